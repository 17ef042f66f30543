"""Mistakes that would put a false number into a table: each is found, by a check that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from tests.check.broken import WHOLE_RUNS, build, losses, plugin, suite

FEATURES = "    def image_features(self, images):\n        f = super().image_features(images)\n"
LOGITS = "    def logits(self, features, class_names):\n"
PLANTED = {
    # what stands beside an image in the test batch
    "logits use the batch's mean": (
        "alone",
        LOGITS + "        return super().logits(features - features.mean(dim=0), class_names)\n",
    ),
    "logits minimise their entropy on the batch": (
        "alone",
        LOGITS + "        shift = torch.zeros(features.shape[1], requires_grad=True)\n"
        "        with torch.enable_grad():\n"
        "            p = super().logits(features + shift, class_names).softmax(-1)\n"
        "            (-(p * p.log()).sum(-1).mean()).backward()\n"
        "        return super().logits(features - shift.grad, class_names)\n",
    ),
    "the tower minimises its entropy on the batch": (
        "batch",
        "    def image_features(self, images):\n"
        "        if torch.is_grad_enabled():\n"
        "            return super().image_features(images)\n"
        "        norm = self.backbone.visual.ln_post.bias\n"
        "        with torch.enable_grad():\n"
        "            f = super().image_features(images)\n"
        "            p = (self.backbone.logit_scale * f @ self.text.T).softmax(-1)\n"
        "            (g,) = torch.autograd.grad(-(p * p.log()).sum(-1).mean(), norm)\n"
        "        norm.sub_(g)\n"
        "        return super().image_features(images)\n",
    ),
    "logits learn from test images": (
        "alone",
        LOGITS + "        with torch.no_grad():\n"
        "            for p in self.backbone.visual.parameters():\n"
        "                p.mul_(1.001)\n"
        "        return super().logits(features, class_names)\n",
    ),
    "batch norm in train mode": (
        "batch",
        build("self.norm = torch.nn.BatchNorm1d(backbone.embed_dim, affine=False); return made")
        + FEATURES
        + "        return F.normalize(self.norm(torch.cat([f, -f]))[: len(f)], dim=-1)\n",
    ),
    # what changes from one call to the next
    "dropout left on in features": (
        "batch",
        FEATURES + "        return F.normalize(F.dropout(f, 0.5), dim=-1)\n",
    ),
    "dropout left on in logits": (
        "alone",
        LOGITS + "        return super().logits(F.dropout(features, 0.5), class_names)\n",
    ),
    "logits hang on the time": (
        "alone",
        "    import time\n" + LOGITS + "        now = self.time.perf_counter() * 1e6 % 1e3\n"
        "        return super().logits(features, class_names) + now\n",
    ),
    "the loss hangs on the time": (
        "deterministic",
        losses("return {'a': loss * (1 + __import__('time').perf_counter())}"),
    ),
    "numpy's global generator": (
        "deterministic",
        losses("return {'a': loss * (1 + __import__('numpy').random.rand())}"),
    ),
    # caches that outlive what they hold
    "texts kept by the number of classes": (
        "columns",
        build("self.kept = {}; return made")
        + LOGITS
        + "        new = self.backbone.text_features(class_names, self.task.template)\n"
        "        text = self.kept.setdefault(len(class_names), new)\n"
        "        return cosine_logits(features, text, self.backbone.logit_scale)\n",
    ),
    "features kept from before the training": (
        "learns",
        build("self.kept = {}; return made") + FEATURES + "        if torch.is_grad_enabled():\n"
        "            return f\n"
        "        return torch.stack([self.kept.setdefault(float(x.sum()), row)"
        " for x, row in zip(images, f)])\n",
    ),
    "hardly anything of a step kept": (
        "learns",
        build(
            "self.made = made; self.start = {n: p.detach().clone() for n, p in made.items()};"
            " return made"
        )
        + "    def after_step(self, step):\n"
        "        for n, p in self.made.items():\n"
        "            p.data.copy_(self.start[n] + 1e-3 * (p.data - self.start[n]))\n",
    ),
    # columns and classes
    "columns in another order": (
        "columns",
        LOGITS + "        return super().logits(features, tuple(sorted(class_names)))\n",
    ),
    "a head of the trained classes alone": (
        "logits",
        build("self.head = torch.nn.Linear(backbone.embed_dim, len(task.class_names))")
        + "        return {**made, **dict(self.head.named_parameters())}\n"
        + LOGITS
        + "        return self.head(features)\n",
    ),
    "logits in half precision": (
        "logits",
        LOGITS + "        return super().logits(features, class_names).half()\n",
    ),
    "a sum over the images that is called a mean": (
        "mean",
        "    loss_is_mean = True\n" + losses("return {'a': loss * len(batch.labels)}"),
    ),
    # what is trained, and where to
    "sign flipped": ("learns", losses("return {'classification': -loss}")),
    "a part that drives the rest away": (
        "learns",
        losses("return {'classification': loss, 'mine': -3 * loss}"),
    ),
    "a loss that ends in nan": (
        "run",
        losses("return {'a': loss * (float('nan') if batch.step > 3 else 1.0)}"),
    ),
    # what is held out
    "labels of the held-out domain": (
        "target",
        losses("import gc; from harness.data.bank import ImageBank")
        + "        banks = [b for b in gc.get_objects() if type(b) is ImageBank and b._open]\n"
        "        held = [s.label for b in banks for s in b.dataset.samples('domain0')]\n"
        "        return {'a': loss * (1 + 0.1 * sum(held))}\n",
    ),
    "labels looked up at the test": (
        "target",
        LOGITS + "        import gc\n"
        "        from harness.data.bank import ImageBank\n"
        "        found = super().logits(features, class_names)\n"
        "        banks = [b for b in gc.get_objects() if type(b) is ImageBank]\n"
        "        for bank in banks[-1:]:\n"
        "            truth = [s.label for s in bank.dataset.samples('domain0')]\n"
        "            if len(truth) == len(found):\n"
        "                found[range(len(found)), truth] += 100\n"
        "        return found\n",
    ),
}
"""The check that must fail, and what is put into the sound plugin."""


@pytest.mark.parametrize("mistake", PLANTED)
def test_what_must_not_stand_in_a_table_fails(mistake: str, tmp_path: Path, bench: Bench) -> None:
    check, fault = PLANTED[mistake]
    plugin(tmp_path, fault)
    left_out = WHOLE_RUNS - {"target", "run"} if check in ("target", "run") else WHOLE_RUNS
    results = suite(bench, left_out)
    assert results[check].status == "FAIL", results[check]
    assert results[check].message
    assert "\n" not in results[check].message


def test_an_order_that_each_process_has_its_own_of_fails_in_the_worker(
    bench: Bench, tmp_path: Path
) -> None:
    """Texts are hashed otherwise in every process, and sets stand in that order."""
    plugin(
        tmp_path,
        build("self.order = sorted(range(64), key=lambda i: hash(f'class {i}')); return made")
        + losses("return {'a': loss * (1 + self.order.index(7))}"),
    )
    found = suite(bench, frozenset({"learns", "resume"}))
    assert [r.check for r in found.values() if r.status == "FAIL"] == ["worker"]
