"""Every kind of input: a valid one, the verb that reads it, and what exit status 0 must mean.

It is right only if the result is what the input says, as read by other means than the program's:
that is what a kind's `judge` finds out.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness import registry
from harness.cli import running
from harness.cli.main import main
from harness.data.images import decode
from harness.errors import UserError
from harness.execution.slurm.cluster import read_cluster
from harness.report.published.numbers import PublishedNumber, load_numbers
from harness.specs import DatasetSpec, RunSpec
from harness.store.store import Store
from harness.sweep.calls import parse_call
from harness.sweep.file import plan_sweep, read_sweep
from harness.sweep.plan import open_dataset
from harness.sweep.reading import read_yaml
from harness.training import checkpoint
from tests.attacks import inputs, spoil
from tests.attacks.child import Child
from tests.attacks.look import Kind, Look, same, told
from tests.attacks.outcomes import Judged
from tests.datasets.miniature import make as make_dataset
from tests.store.exchange.archives import contents, signed, write

CALL, OPTIONS, NUMBERS, SWEEP = "call.txt", "options.json", "numbers.csv", "small.yaml"
GIVEN = {
    "--target": "domain1", "--seeds": "0-1", "--shots": "2", "--selection": "own",
    "--data-seed": "3", "--protocol": "domain_shift", "--precision": "fp32", "--limit": "5",
    "--option": "template=a {}.", "--workers": "1", "--threads": "1", "--device": "cpu",
}  # fmt: skip
CLUSTER = """\
description: small
timeout_min: 60
mem_gb: 8
gpus_per_node: 0
cpus_per_task: 2
slurm_partition: cpu
slurm_setup: ["module load x"]
slurm_additional_parameters: {nice: 100}
methods:
  finetune: {timeout_min: 30}
"""
PLUGIN = '''\
"""A method of somebody's."""
from harness.method import MethodConfig
from harness import registry

class Config(MethodConfig):
    """Its parameters."""
    strength: float = 1.0

class Mine(registry.method_class("zero_shot")):
    """Zero-shot."""
    name = "mine"
    summary = "zero-shot again"
    citation = "none"
    Config = Config
'''


# What is asked for: the runs planned must be those that the text says.


def _planned(folder: Path, specs: Sequence[RunSpec]) -> int:
    return told(folder, [spec.model_dump(mode="json") for spec in specs])


def _sweep(folder: Path) -> int:
    file = folder / SWEEP
    status = main(["sweep", "plan", str(file), *inputs.where(folder)])
    return status or _planned(folder, plan_sweep(read_sweep(file), folder / "images").runs)


def _judge_sweep(look: Look) -> Judged:
    said, runs = read_yaml(look.folder / SWEEP), look.took
    seeds = {float(seed) for seed in said.get("seeds", [0, 1, 2])}
    rows: list[tuple[str, dict[str, Any]]] = []
    for row in said["methods"]:
        entry: dict[str, Any] = {"method": row} if isinstance(row, str) else row
        name, inline = parse_call(entry["method"])
        rows.append((name, {**inline, **entry.get("params", {})}))
    every = [
        same(sorted(seeds), sorted({run["seed"] for run in runs})),
        len(runs) % (len(rows) * len(said.get("seeds", [0, 1, 2]))) == 0,
        all(any(run["method"] == name and same(given, {**run["config"], **run["given"]})
                for run in runs) for name, given in rows),
        said.get("data_seed") is None or all(same(said["data_seed"], r["data_seed"]) for r in runs),
    ]  # fmt: skip
    return look.verdict(all(every), f"the plan is not what the file says: {every}")


def _text(folder: Path) -> str:
    return (folder / CALL).read_text(errors="surrogateescape").replace("\0", "")


def _call(folder: Path) -> int:
    argv = ["run", _text(folder), "--target", "domain1", "--dry-run", *inputs.where(folder)]
    if status := main([*argv, *inputs.model(folder)]):
        return status
    name, given = parse_call(_text(folder))
    config = registry.method_class(name).Config(**{k: v for k, v in given.items() if k != "preset"})
    return told(folder, [given, config.model_dump()])


def _judge_call(look: Look) -> Judged:
    given, config = look.took
    simple = re.findall(r"[\[,]\s*(\w+)\s*=\s*(\d[^\[\],\s]*)\s*(?=[,\]])", _text(look.folder))
    fits = same(given, config) and same(dict(simple), config)
    return look.verdict(fits, f"{given} became {config}")


def _options(folder: Path) -> int:
    shown = running.print_plan

    def shows(specs: Sequence[RunSpec], *more: Any) -> None:
        _planned(folder, specs)
        shown(list(specs), *more)

    running.print_plan = shows  # type: ignore[assignment]
    given = json.loads((folder / OPTIONS).read_text())
    words = [str(word).replace("\0", "") for pair in given.items() for word in pair]
    where = [*inputs.where(folder), *inputs.model(folder)]
    return main(["run", "finetune", *where, "--dry-run", *words])


def _judge_options(look: Look) -> Judged:
    said, runs = json.loads((look.folder / OPTIONS).read_text()), look.took
    given = {full: said[key] for full in GIVEN for key in said if full.startswith(key)}
    first, dash, last = str(given.get("--seeds", "0")).partition("-")
    seeds = set(range(int(first), int(last) + 1) if dash else map(int, first.split(",")))
    limit = int(given.get("--limit", 10**9))
    every = [
        {run["seed"] for run in runs} == seeds or len(runs) == limit,
        all(same(given.get("--data-seed", run["data_seed"]), run["data_seed"]) for run in runs),
        all(same(given.get("--shots", 0), run["protocol"]["shots"]) for run in runs),
        len(runs) <= limit,
    ]
    return look.verdict(all(every), f"not what the options say: {every}")


def _cluster(folder: Path) -> int:
    file = folder / "cluster.yaml"
    argv = ["sweep", "submit", str(folder / SWEEP), "--cluster", str(file), "--dry-run"]
    status = main([*argv, "--store", f"{folder}/store", "--data-root", f"{folder}/images"])
    return status or told(folder, read_cluster(file).model_dump(mode="json"))


def _judge_cluster(look: Look) -> Judged:
    said = read_yaml(look.folder / "cluster.yaml") or {}
    return look.verdict(same(said, look.took), f"{said} became {look.took}")


def _published(folder: Path) -> int:
    file = folder / NUMBERS
    argv = ["report", "--store", f"{folder}/store", "--compare-published", str(file)]
    status = main([*argv, "--format", "md"])
    return status or told(folder, [number.model_dump() for number in load_numbers(file)])


def _judge_published(look: Look) -> Judged:
    with (look.folder / NUMBERS).open(newline="") as file:
        said = list(csv.DictReader(file))
    read = [{k: "" if v is None else v for k, v in row.items()} for row in look.took]
    return look.verdict(same(said, read), "other numbers than the file's")


def _split(folder: Path) -> int:
    argv = ["run", "zero_shot", "--dataset", "Caltech101", "--protocol", "open_class", "--dry-run"]
    if status := main([*argv, *inputs.where(folder)]):
        return status
    opened = open_dataset(DatasetSpec(name="Caltech101"), folder / "images")
    samples = opened.samples("Caltech101")
    return told(folder, sorted([s.key.split("/", 1)[1], s.label] for s in samples))


def _judge_split(look: Look) -> Judged:
    (file,) = look.folder.rglob("split_zhou_*.json")
    said = json.loads(file.read_text())
    rows = sorted([row[0], row[1]] for split in ("train", "val", "test") for row in said[split])
    return look.verdict(rows == look.took, "other images than the file's")


def _plugin(folder: Path) -> int:
    argv = ["run", "mine", "--plugin", str(folder / "mine.py"), "--dry-run", "--target", "domain1"]
    return main([*argv, *inputs.where(folder), *inputs.model(folder)])


# What runs read: the same input gives the same bytes, another gives what another reading says.


def _run(method: str) -> Callable[[Path], int]:
    def verb(folder: Path) -> int:
        status = main(inputs.run(folder, method))
        records = Store(folder / "store").records()
        told(folder, {r.id: [r.metrics.model_dump(), r.predictions_sha256] for r in records})
        return status

    return verb


def _judge_same(look: Look) -> Judged:
    return look.verdict(look.took == look.took_before, "the run ends in other numbers")


def _judge_weights(look: Look) -> Judged:
    # the files' hash is part of the run's identity
    fits = look.took == look.took_before or list(look.took) != list(look.took_before)
    return look.verdict(fits, "other numbers, same identity")


def _judge_images(look: Look) -> Judged:
    ((metrics, predictions),), ((_, first),) = look.took.values(), look.took_before.values()
    below = look.folder / "images" / "domain1"
    images = [p for p in below.rglob("*/*") if p.is_file() and p.suffix.lower() == ".png"]
    images = [p for p in images if "/." not in str(p.relative_to(look.folder))]
    if metrics["tests"]["target"]["n"] != len(images):
        return Judged("silent", f"{len(images)} images, scored: {metrics['tests']}")
    if predictions == first:
        return Judged("right")
    said = " ".join(look.ended.err.split())
    for path in images:
        try:
            decode(path.read_bytes(), path.name, whole=True)
        except UserError as error:
            if "damaged, read as far as it goes" not in said:
                return Judged("silent", f"a number from a broken image: {error}")
    return Judged("meant")


# What reports and merges read.


def _report(folder: Path) -> int:
    return main(["report", "--store", f"{folder}/store", "--format", "md,term"])


def _tables(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "store" / "report").glob("*.md")}


def _judge_report(look: Look) -> Judged:
    """Ask for the same tables, or a word about what is changed in them."""
    now, then = _tables(look.folder), _tables(look.before)
    if now == then:
        return Judged("right")
    changed = _changed(look.folder, look.before)
    said = (look.ended.out + look.ended.err, look.first.out + look.first.err)
    for path in changed:
        if any(n in said[0] and n not in said[1] for n in (path.stem, path.parent.name)):
            return Judged("meant")
    text, old = "\n".join(now.values()), "\n".join(then.values())
    # runs of another model or data set have their own table; those that a plan now asks for lack
    if len(now) > len(then) or re.search(r"\d missing", text):
        return Judged("meant")
    if all((look.folder / path).is_file() for path in changed):  # names, captions
        numbers = [set(re.findall(r"\d+\.\d+", whole)) for whole in (text, old)]
        fits = numbers[0] <= numbers[1] and text.count("\n") == old.count("\n")
    else:
        fits = bool(re.search(r"missing|failed|not done|incomplete|of \d+ runs", text))
    return Judged("meant") if fits else Judged("silent", "another table, unsaid")


def _changed(folder: Path, before: Path) -> list[Path]:
    def read(path: Path) -> bytes | None:
        return path.read_bytes() if path.is_file() else None

    every = {p.relative_to(root) for root in (folder, before) for p in root.glob("store/*/**/*.*")}
    every = {path for path in every if "report" not in path.parts}
    return sorted(path for path in every if read(folder / path) != read(before / path))


def _merge(folder: Path) -> int:
    file = str(folder / "a.tar.gz")
    status = main(["leaderboard", "verify", file])
    status = status or main(["leaderboard", "merge", file, "--store", f"{folder}/merged"])
    records = Store(folder / "merged").records()
    return status or told(folder, {record.id: record.model_dump() for record in records})


def _judge_forged(look: Look) -> Judged:
    """Whoever signs anew can say anything but scores that the predictions do not give."""
    now, then = look.took, look.took_before
    fits = all(now[i]["metrics"]["tests"] == then[i]["metrics"]["tests"] for i in {*now} & {*then})
    return look.verdict(fits, "scores that the predictions do not give")


def _forge(rng: random.Random, file: Path) -> str:
    files = contents(file)
    name = rng.choice(sorted(files))
    part = file.with_name(Path(name).name)
    part.write_bytes(files[name])
    own = {".json": TEXT[:3], ".npz": ARRAYS[:1]}.get(part.suffix, ())
    said = rng.choice([*own, spoil.bytes_])(rng, part)
    files[name] = part.read_bytes()
    part.unlink()
    write(signed(files) if name != "manifest.json" else files, file)
    return f"{name}: {said}"


def _features(folder: Path) -> None:
    inputs.data(folder)
    Child(lambda: main(inputs.run(folder, "coop"))).wait()
    shutil.rmtree(folder / "store")


def _checkpoint(folder: Path) -> None:
    """Leave a training that was killed behind its first step."""
    inputs.data(folder)

    def killed() -> int:
        begin = checkpoint.Writer.begin

        def written(writer: checkpoint.Writer, *state: Any) -> None:
            begin(writer, *state)
            writer.finish()
            os.kill(os.getpid(), signal.SIGKILL)

        checkpoint.Writer.begin = written  # type: ignore[method-assign]  # of a process of its own
        return main(inputs.run(folder, "finetune"))

    Child(killed).wait()


def _with(maker: Callable[[Path], None], name: str, text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        maker(folder)
        (folder / name).write_text(text)

    return make


def _with_numbers(folder: Path) -> None:
    row = "A paper,table 1,domain_shift,emoji,noto,zero-shot CLIP,CLIP ViT-B/16,top1,{},,,,"
    rows = [row.format(61.5), row.format(70.2).replace("zero-shot", "fine-tuned"), ""]
    inputs.store(folder)
    (folder / NUMBERS).write_text("\n".join([",".join(PublishedNumber.model_fields), *rows]))


TEXT = (spoil.values, spoil.values, spoil.numbers, spoil.text, spoil.bytes_)
NAMED, FOUND = (*TEXT, spoil.place), (*TEXT, spoil.inside)
BYTES = (spoil.bytes_, spoil.bytes_, spoil.bytes_, spoil.inside)
ARRAYS = (spoil.arrays, spoil.bytes_, spoil.inside)
PLAIN = (spoil.text, spoil.bytes_, spoil.place)
RECORD, PREDICTIONS = "store/runs/*/record.json", "store/runs/*/predictions.npz"
CHECKPOINT, SPLIT = "store/**/checkpoint.pt", "images/*/split_zhou_*.json"
ZERO = _run("zero_shot")
KINDS = [
    Kind("sweep file", inputs.with_sweep, SWEEP, NAMED, _sweep, _judge_sweep),
    Kind("method call", _with(inputs.data, CALL, inputs.METHODS["coop"]), CALL, PLAIN[:2],
         _call, _judge_call, "."),
    Kind("options", _with(inputs.data, OPTIONS, json.dumps(GIVEN)), OPTIONS, TEXT[:1],
         _options, _judge_options, "."),
    Kind("cluster file", _with(inputs.with_sweep, "cluster.yaml", CLUSTER), "cluster.yaml", NAMED,
         _cluster, _judge_cluster),
    Kind("record", inputs.store, RECORD, FOUND, _report, _judge_report),
    Kind("predictions", inputs.store, PREDICTIONS, ARRAYS, _report, _judge_report),
    Kind("failure", inputs.store, "store/failures/*.json", FOUND, _report, _judge_report),
    Kind("plan", inputs.store, "store/sweeps/*.json", FOUND, _report, _judge_report),
    Kind("published numbers", _with_numbers, NUMBERS, PLAIN, _published, _judge_published),
    Kind("archive", inputs.archive, "a.tar.gz", (*BYTES[:3], spoil.place), _merge, _judge_same),
    Kind("archive, signed anew", inputs.archive, "a.tar.gz", (_forge,), _merge, _judge_forged),
    Kind("image folder", inputs.data, "images", (spoil.tree,), ZERO, _judge_images, "."),
    Kind("image", inputs.data, "images/domain1/*/*.png", BYTES[:3], ZERO, _judge_images),
    Kind("weights", inputs.data, "clip/*.safetensors", BYTES, ZERO, _judge_weights, "clip"),
    Kind("model configuration", inputs.data, "clip/*.json", FOUND, ZERO, _judge_weights, "clip"),
    Kind("checkpoint", _checkpoint, CHECKPOINT, BYTES, _run("finetune"), _judge_same),
    Kind("kept features", _features, "cache/features/*.npy", BYTES, _run("coop"), _judge_same),
    Kind("split file", lambda folder: make_dataset("Caltech101", folder / "images"), SPLIT, FOUND,
         _split, _judge_split),
    Kind("plugin", _with(inputs.data, "mine.py", PLUGIN), "mine.py", PLAIN, _plugin,
         lambda look: Judged("meant")),
]  # fmt: skip
