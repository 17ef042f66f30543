"""One run, from its spec to its record."""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, cast

import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.data.features import FeatureFiles
from harness.data.reader import PixelCache
from harness.dataset import Sample
from harness.errors import UserError
from harness.execution.context import Context
from harness.execution.energy import EnergyMeter
from harness.method import Method, TrainConfig
from harness.protocols.splits import Sources, TestSet
from harness.seeding import tf32
from harness.source import source_hash
from harness.specs import ELSEWHERE, DatasetSpec, ModelSpec, RunSpec
from harness.store import provenance, weights
from harness.store.records import Metrics, OtherData, Provenance, RunRecord, Score
from harness.store.secrets import redacted
from harness.store.store import Store
from harness.store.timestamps import now
from harness.sweep.plan import open_dataset
from harness.training import checkpoint
from harness.training.averaging import WeightAverage
from harness.training.build import BuiltMethod, build_method, make_task
from harness.training.checkpoint import TrainState
from harness.training.evaluate import (
    Parts,
    pack_predictions,
    predict,
    pretrained_answers,
    score,
)
from harness.training.logging import fractions, run_log
from harness.training.loop import LoopSettings, Trained, total_energy, train, validate
from harness.validation import validated


class Shared:
    """What the runs of one process share: the loaded model, the data set, decoded images."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._models: dict[str, Backbone] = {}
        self._refused: dict[str, str] = {}
        self._banks: dict[str, ImageBank] = {}
        self._pixels = PixelCache(int(context.memory_gb * 2**30))
        self._disk_bytes = int(context.cache_gb * 2**30)
        torch.set_num_threads(context.threads)
        if context.device.startswith("cuda"):
            _check_gpu(context)
        for path in context.plugins:
            registry.add_plugin_file(path)

    def backbone(self, spec: ModelSpec) -> Backbone:
        """Return the pretrained backbone; runs fork it and leave it as it is."""
        key = spec.model_dump_json()
        if key in self._refused:
            raise UserError(self._refused[key])
        if key not in self._models:
            try:
                found = load_backbone(spec, self.context.device)
            except UserError as error:  # the retries of a download, once and not in every run
                self._refused[key] = str(error)
                raise
            if self.context.cache:
                found.kept = FeatureFiles(self.context.cache, self._disk_bytes)
            self._models[key] = found
        if self.context.device.startswith("cuda"):
            tf32(spec.precision == "tf32")
        return self._models[key]

    def bank(self, spec: RunSpec, other: DatasetSpec | None = None) -> ImageBank:
        """Return the images of the run's data set, or of `other`, for its model and test transform.

        Raises:
            UserError: If the data are not those that the spec was made for.
        """
        dataset, resize = other or spec.dataset, spec.protocol.test_resize
        if resize == "authors":
            resize = registry.method_class(spec.method).authors_resize
        key = dataset.model_dump_json() + spec.model.model_dump_json() + resize
        if key not in self._banks:
            opened = open_dataset(dataset, self.context.data_root)
            backbone = self.backbone(spec.model)
            if resize != "model":
                backbone = backbone.resized(resize)
            bank = ImageBank(
                opened,
                backbone,
                self.context.cache,
                self.context.decode_threads,
                self._pixels,
                self._disk_bytes,
            )
            if dataset.fingerprint and bank.fingerprint != dataset.fingerprint:
                raise UserError(
                    f"data set '{dataset.name}' changed since the run was planned (fingerprint "
                    f"{bank.fingerprint}, planned {dataset.fingerprint}); plan again"
                )
            self._banks[key] = bank
        return self._banks[key]

    @contextmanager
    def only(self, bank: ImageBank, samples: Sequence[Sample]) -> Iterator[None]:
        """Refuse every other image while inside, of all data sets that the process has opened."""
        with ExitStack() as locks:
            for one in self._banks.values():
                locks.enter_context(one.only(samples if one is bank else ()))
            yield

    def tested(self, spec: RunSpec) -> list[tuple[TestSet, ImageBank]]:
        """Return what a run tests, each with the images of its data set: open it last.

        Raises:
            UserError: If a data set is not there, or a test set is empty.
        """
        own, protocol = self.bank(spec), spec.protocol
        others = {data.name: self.bank(spec, data) for data in protocol.other_data(spec.target)}
        opened = {name: bank.dataset for name, bank in others.items()}
        parts = protocol.test_sets(own.dataset, spec.target, spec.data_seed, opened)
        return [(part, others.get(part.data, own)) for part in parts]


def _check_gpu(context: Context) -> None:
    where = f"device {context.device}{f' (GPU {context.gpu})' if context.gpu else ''}"
    if not torch.cuda.is_available():
        raise UserError(
            f"{where}: torch {torch.__version__} sees no CUDA device on "
            f"{provenance.host()}; check driver and partition, or ask for device cpu"
        )
    try:
        torch.zeros(1, device=context.device)
    except RuntimeError as error:  # broken, or full of somebody else's work
        why = str(error).splitlines()[0]
        raise UserError(f"{where} on {provenance.host()} does not answer: {why}") from None


def execute(
    spec: RunSpec,
    shared: Shared,
    progress: Callable[[int, int], None] = lambda step, steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> RunRecord:
    """Run `spec` (or continue it from its checkpoint) and add its record to the store.

    Raises:
        harness.errors.Interrupted: When `stop` said so; the checkpoint is written.
        UserError: When the spec cannot be run as it is (data missing, unreadable image ...).
    """
    started, clock = now(), time.monotonic()
    meter = EnergyMeter(shared.context.device)
    store = Store(shared.context.store)
    bank = shared.bank(spec)
    source = source_hash(registry.method_class(spec.method))
    provenance.reset_peak_memory(shared.context.device)
    sources = spec.protocol.sources(bank.dataset, spec.target, spec.data_seed)
    seen = [s for part in (sources.train, sources.val) for own in part.values() for s in own]
    bank.stop = stop
    with run_log(spec, shared.context.log, shared.context.store) as log:
        with shared.only(bank, seen):
            bank.check(seen)
            built = build(spec, shared, sources)
            selection = _selection(spec, built.method)
            settings = LoopSettings(
                store.work_dir(spec.id) / "checkpoint.pt",
                progress,
                stop,
                shared.context.checkpoint_seconds,
                {"run": spec.id, "source": source},
                log,
                meter.joules,
            )
            trained = _train(spec, built, bank, sources, selection == "best", settings)
        state = trained.state
        bank.stop = stop
        with _selected(selection, trained, built.parameters):
            with shared.only(bank, seen):
                val = validate(built.method, bank, sources)
            # Only now, with the weights fixed, is what was held out opened.
            weights_of = checkpoint.digest(settings.checkpoint_file) + selection.encode()
            fixed = trained.saved or not built.method.trains
            frozen = built.method.trains and built.method.frozen_image_tower
            tested, pretrained, other_data = [], [], {}
            for part, images in shared.tested(spec):
                done = Parts(store.work_dir(spec.id), part.name, weights_of) if fixed else None
                images.stop = stop
                opened = [*seen, *part.samples]
                apart = spec.protocol.only_tested()
                with images.only(opened) if apart else nullcontext():
                    with built.backbone.prompted(part.prompts):
                        logits = predict(built.method, images, part.samples, part.class_names, done)
                    pretrained.append(pretrained_answers(images, part, frozen))
                tested.append((logits, part))
                if part.data:
                    other_data[part.name] = OtherData(
                        class_names=part.class_names, fingerprint=images.fingerprint
                    )
            keep = shared.context.keep_weights and built.parameters
            words = weights.words_of(spec, bank.dataset.class_names)
            kept = weights.pack(built.parameters, words) if keep else None
        start = {d: Score(correct=c, n=n) for d, (c, n) in state.zero_shot_val.items()}
        metrics = Metrics(
            tests={part.name: score(logits, part.samples) for logits, part in tested},
            source_val=val,
            zero_shot_val=start if built.method.trains else val,
            selection=selection,
            selected_step=state.best_step if selection == "best" else state.step,
            losses=_mean_losses(state),
        )
        if log is not None:
            if not built.method.trains:
                log.begin(0)
            scores = fractions("source_val", val) | fractions("test", metrics.tests)
            log.final(state.step, scores)
    predictions = pack_predictions(tested, bank.backbone.logit_scale, pretrained)
    record = RunRecord(
        id=spec.id,
        spec=spec,
        metrics=metrics,
        provenance=_provenance(
            shared.context,
            state,
            started,
            time.monotonic() - clock,
            total_energy(state, meter.joules()),
        ),
        dataset_fingerprint=bank.fingerprint,
        model_fingerprint=bank.backbone.fingerprint,
        class_names=bank.dataset.class_names,
        other_data=other_data,
        trained_classes=spec.protocol.trained_classes(bank.dataset),
        trained_parameters=sum(p.numel() for p in built.parameters.values()),
        total_parameters=sum(p.numel() for p in bank.backbone.model.parameters()),
        citation=ELSEWHERE if spec.model.elsewhere else built.method.citation,
        method_source=source,
        predictions_sha256=hashlib.sha256(predictions).hexdigest(),
    )
    store.write(record, predictions, store.work_dir(spec.id) / "log.txt", kept)
    return record


def _train(
    spec: RunSpec,
    built: BuiltMethod,
    bank: ImageBank,
    sources: Sources,
    track_best: bool,
    settings: LoopSettings,
) -> Trained:
    if not built.method.trains:
        return Trained(TrainState(), None)
    method = cast(Method[TrainConfig], built.method)
    return train(method, built.parameters, bank, sources, spec.seed, track_best, settings)


def _provenance(
    context: Context, state: TrainState, started: str, seconds: float, joules: float | None
) -> Provenance:
    return Provenance(
        started=started,
        wall_s=round(seconds + state.earlier_s, 3),
        step_ms=round(statistics.median(state.step_ms), 3) if state.step_ms else None,
        peak_memory_mb=round(provenance.peak_memory_mb(context.device), 1),
        energy_j=None if joules is None else round(joules, 1),
        settings=provenance.settings(context.device),
        resumed=state.resumed,
        device=provenance.device_name(context.device),
        gpu=context.gpu,
        runs_per_gpu=context.runs_per_gpu,
        threads=torch.get_num_threads(),
        host=provenance.host(),
        git=provenance.git_state(),
        versions=provenance.versions(),
        command=[redacted(word) for word in context.command or sys.argv],
    )


def prepare_features(spec: RunSpec, shared: Shared) -> None:
    """Compute the frozen features that `spec` would read, into the cache that all its peers read.

    Nothing of what is computed for the target domain is seen by a run before its weights are
    fixed: the bank refuses it as it refuses the images.
    """
    bank = shared.bank(spec)
    cls = registry.method_class(spec.method)
    config = validated(cls.Config, spec.config, f"run {spec.id}: method '{spec.method}'")
    parts = spec.protocol.sources(bank.dataset, spec.target, spec.data_seed)
    looked_at = [(samples, bank) for samples in parts.val.values()]
    looked_at += [(part.samples, images) for part, images in shared.tested(spec)]
    if not cls.trains:
        for samples, images in looked_at:
            with images.only(samples) if spec.protocol.only_tested() else nullcontext():
                images.untrained_features(samples, images.plain_features, "")
        return
    for samples in parts.train.values():
        bank.frozen_features(samples, config)
    for samples, images in looked_at:
        images.frozen_features(samples, None)


def rebuild(spec: RunSpec, shared: Shared) -> BuiltMethod:
    """Make a finished run's method again, with the weights that were tested.

    Raises:
        UserError: If the run kept no weights, or model or data are not those of its record.
    """
    store, bank = Store(shared.context.store), shared.bank(spec)
    record = store.read(spec.id)
    for what, found, recorded in (
        ("model", bank.backbone.fingerprint, record.model_fingerprint),
        ("data set", bank.fingerprint, record.dataset_fingerprint),
    ):
        if found != recorded:
            raise UserError(
                f"run {spec.id}: {what} has fingerprint {found}, its record {recorded}; "
                "give the files it was run with"
            )
    parts = spec.protocol.sources(bank.dataset, spec.target, spec.data_seed)
    built = build(spec, shared, parts)
    if built.parameters:
        weights.load(store.weights_file(spec.id), built.parameters)
    return built


def build(spec: RunSpec, shared: Shared, parts: Sources) -> BuiltMethod:
    """Make the method on its own copy of the image tower; gradients on what it trains only."""
    cls = registry.method_class(spec.method)
    config = validated(cls.Config, spec.config, f"run {spec.id}: method '{spec.method}'")
    method = cls(config)
    task = make_task(method, parts, shared.bank(spec).dataset.prompts, spec.seed)
    backbone = shared.backbone(spec.model).fork()
    if shared.context.activation_checkpointing:
        backbone.checkpoint_activations()
    return build_method(method, backbone, task)


def _selection(spec: RunSpec, method: Method[Any]) -> str:
    if not method.trains:
        return "last"
    return method.selection_of(method.config) if spec.selection == "own" else spec.selection


def _selected(
    selection: str, trained: Trained, parameters: dict[str, torch.nn.Parameter]
) -> AbstractContextManager[None]:
    """Swap in the weights to test."""
    if selection == "averaged":
        average: WeightAverage | None = trained.average
        if average is None:
            raise UserError("selection 'averaged': this method keeps no averaged weights; use last")
        return average.swapped()
    if selection == "best":
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(trained.state.best[name])
    return nullcontext()


def _mean_losses(state: TrainState) -> dict[str, list[float]]:
    steps = state.step
    counts = [len(range(-(-i * steps // 10), -(-(i + 1) * steps // 10))) for i in range(10)]
    return {
        name: [round(total / n, 6) for total, n in zip(sums, counts, strict=True) if n]
        for name, sums in state.losses.items()
    }
