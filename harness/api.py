"""The harness from Python: what the command line does, as functions that return data frames.

Everything here is also in `harness` itself: ``from harness import run, load_results, compare``.
Only `run` imports torch, when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from harness.errors import UserError, unknown_name
from harness.protocols import read_protocol
from harness.report.runs.blocks import Block, blocks_of
from harness.report.runs.frame import frame_of, load_frame
from harness.report.stats import Design, TestKind, Unit, compare_scores, scores_of, to_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.spread import SPREADS, Spread
from harness.specs import DatasetSpec, ModelSpec, Precision, Selection
from harness.store.store import Store
from harness.validation import validated

BLOCK = ("dataset", "model", "protocol", "measure")
"""What the rows of `compare` and `table` are told apart by."""


def run(
    methods: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]],
    *,
    model: str = "tiny-emoji",
    pretrained: str = "",
    precision: Precision = "fp32",
    dataset: str = "emoji",
    options: Mapping[str, Any] | None = None,
    data_root: Path | str | None = None,
    protocol: str | Mapping[str, Any] = "domain_shift",
    targets: str | Sequence[str] = "all",
    seeds: int | Sequence[int] = (0,),
    data_seed: int | None = None,
    selection: Selection = "own",
    store: Path | str = "results/notebook",
    cache: Path | str | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int = 1,
    fail_fast: bool = False,
    log: str | Sequence[str] = (),
    plugins: Sequence[Path | str] = (),
    runs_per_gpu: int | None = None,
    keep_weights: bool = False,
) -> pd.DataFrame:
    """Run methods x targets x seeds, each in a worker process; what is done is not run again.

    The same runs as those of ``run_benchmark.py run``: same identities, same store, same numbers.
    Progress is shown as bars on a terminal, as a line per run in a notebook.

    >>> frame = run(
    ...     ["zero_shot", {"method": "clipood[steps=3,batch_per_domain=2]", "label": "CLIPood"}],
    ...     targets="noto", seeds=[0], store=store,
    ... )
    >>> frame[["label", "target", "seed", "status"]].values.tolist()
    [['zero_shot', 'noto', 0, 'done'], ['CLIPood', 'noto', 0, 'done']]

    Args:
        methods: ``name``, ``name[param=value,...]``, or a mapping with ``method`` and, if wanted,
            ``params`` and ``label``, as in a sweep file.
        model: open_clip's name, or an embedded model's.
        pretrained: open_clip's tag, or a checkpoint file.
        precision: Autocast type of the forward pass.
        dataset: A data set plugin.
        options: Of the data set.
        data_root: Where the data set's files are.
        protocol: A name, or a protocol's name and options.
        targets: Held-out domains, or ``all``.
        seeds: Of the runs.
        data_seed: Fixes the splits; by default they vary with the seed.
        selection: Which weights are tested.
        store: Directory of the results.
        cache: Directory of frozen features.
        device: ``auto``, ``cpu``, ``cuda`` (all GPUs), ``cuda:1``.
        workers: Processes at a time; by default one per core, or one on each GPU.
        threads: Of torch in each worker.
        fail_fast: Stop at the first failure.
        log: ``tensorboard[:DIR]``, ``wandb[:PROJECT]``.
        plugins: Plugin files of yours, beside those in ./methods and ./datasets.
        runs_per_gpu: Processes on each GPU; instead of `workers`.
        keep_weights: Leave the tested weights beside the records.

    Returns:
        One row per run, target and measure, values in percent; see `load_results`. A run that
        failed is a row with status ``failed`` and its error.

    Raises:
        UserError: One line that names what is wrong with the arguments.
        KeyboardInterrupt: After the checkpoints are written; the same call continues.
    """
    from harness import registry
    from harness.execution.context import default_cache
    from harness.execution.local import run_local
    from harness.execution.place import place
    from harness.execution.towers import check_models
    from harness.sweep import plan
    from harness.sweep.calls import parse_call
    from harness.sweep.file import MethodEntry

    if selection not in get_args(Selection):
        raise unknown_name("selection", selection, get_args(Selection))
    registry.add_own_plugins()
    for file in plugins:
        registry.add_plugin_file(str(file))
    root = Path(data_root).expanduser() if data_root is not None else None
    data: DatasetSpec = validated(
        DatasetSpec, {"name": dataset, "options": dict(options or {})}, "dataset"
    )
    choices = []
    for item in [methods] if isinstance(methods, str | Mapping) else methods:
        values = {"method": item} if isinstance(item, str) else dict(item)
        entry: MethodEntry = validated(MethodEntry, values, "methods")
        name, inline = parse_call(entry.method)
        given = {**inline, **entry.params}
        choices.append(plan.resolve_method(name, given, label=entry.label))
    specs = plan.expand(
        choices,
        validated(
            ModelSpec, {"name": model, "pretrained": pretrained, "precision": precision}, "model"
        ),
        data,
        read_protocol(protocol),
        [targets] if isinstance(targets, str) else list(targets),
        _seeds(seeds),
        plan.open_dataset(data, root),
        selection,
        data_seed,
        root,
    )
    cached = Path(cache).expanduser() if cache is not None else default_cache()
    check_models(specs, cached)
    folder = Path(store).expanduser()
    context, gpus = place(
        folder,
        root,
        cached,
        device,
        threads,
        workers,
        [log] if isinstance(log, str) else log,
        runs_per_gpu,
    )
    context = context.model_copy(update={"keep_weights": keep_weights})
    if run_local(specs, context, gpus, fail_fast).interrupted:
        raise KeyboardInterrupt("the checkpoints are written; the same call continues")
    return frame_of(Store(folder), specs)


def _seeds(seeds: int | Sequence[int]) -> list[int]:
    given = [seeds] if isinstance(seeds, int) else list(seeds)
    if not given or not all(isinstance(seed, int) and seed >= 0 for seed in given):
        raise UserError(f"seeds {seeds!r}: give whole numbers from 0, e.g. range(3)")
    return given


def load_results(store: Path | str, sweep: str | None = None) -> pd.DataFrame:
    """Return a store's runs: one row per run, target and measure, values in percent.

    >>> frame = load_results(store)
    >>> noto = frame[(frame.target == "noto") & (frame.status == "done")]
    >>> noto.groupby("label").accuracy.mean().round(1).to_dict()
    {'CLIPood': 51.4, 'CoOp': 43.7}

    The columns are those of `harness.report.runs.rows.RunRow`, among them label, target, seed,
    accuracy and status: ``done``, ``failed``, or ``missing`` (planned by a sweep). Each has the
    dtype of what it holds; what is not known is NA. ``config`` and ``given`` are JSON:

    >>> import json
    >>> pd.json_normalize(frame.config.map(json.loads)).lr.unique().tolist()
    [0.0003, 0.002]

    Args:
        store: Directory of the results.
        sweep: Only this sweep's runs, under its names.

    Raises:
        UserError: If the store has no runs, or no such sweep.
    """
    return load_frame(Store(Path(store).expanduser()), sweep)


def compare(
    results: pd.DataFrame | Path | str,
    reference: str,
    candidates: Sequence[str] | None = None,
    *,
    score: str = "accuracy",
    unit: Unit = Design.unit,
    test: TestKind = Design.test,
    alpha: float = Design.alpha,
    power: float = Design.power,
) -> pd.DataFrame:
    """Compare methods with a reference: differences, intervals, corrected tests, verdicts.

    >>> compared = compare(store, "CLIPood")
    >>> compared[["label", "difference", "verdict"]].round(1).values.tolist()
    [['CoOp', -6.4, 'worse']]
    >>> compared.reading[0].split(";")[0]
    'CoOp scores 6.37 points less than CLIPood (95 % interval 5.67 to 7.08, 3 seeds, 4 tasks)'

    Each group of runs that may share a table (one data set, model, protocol and measure) is
    compared by itself, with a correction of its own; one without the reference is left out.

    Args:
        results: What `run` or `load_results` returned, or a store's directory.
        reference: A label, as tables have it.
        candidates: Labels; by default all others.
        score: The column compared.
        unit: What the test takes for independent; see `harness.report.stats.design.Design`.
        test: ``t``, the report's, or another of `harness.report.stats.paired.TestKind`.
        alpha: The level of the verdict.
        power: With which ``seeds_needed`` should find a difference like this.

    Returns:
        One row per comparison: dataset, model, protocol, measure, then the fields of
        `harness.report.stats.comparison.Comparison`, each interval as two columns.

    Raises:
        UserError: If a label is unknown, no group has the reference and another, or a label stands
            for two configurations.
    """
    frame = _frame(results)
    known = set(frame["label"])
    for label in (reference, *(candidates or ())):
        if label not in known:
            raise unknown_name("method", label, known, "as the table labels its rows")
    design = Design(test=test, unit=unit, alpha=alpha, power=power)
    compared = []
    for block in blocks_of(frame):
        labels = dict.fromkeys(block.frame["label"])
        wanted = [c for c in candidates or labels if c in labels and c != reference]
        if reference not in labels or not wanted:
            continue
        scores = scores_of(block.frame, score)
        comparisons = compare_scores(scores, reference, wanted, design)
        compared.append(_with_block(to_frame(comparisons), block))
    if not compared:
        raise UserError(f"'{reference}' shares no table with another method; run them alike")
    return pd.concat(compared, ignore_index=True)


def table(results: pd.DataFrame | Path | str, spread: Spread = "std") -> pd.DataFrame:
    """Return the tables of a report as texts: per method and domain, mean ± spread over seeds.

    >>> table(store)["mean"].to_dict()
    {'CLIPood': '45.3 ± 0.1', 'CoOp': '38.9 ± 0.2'}

    Args:
        results: What `run` or `load_results` returned, or a store's directory.
        spread: What ± is: ``std``, ``sem`` or ``ci95``.

    Returns:
        Methods x domains. With runs that may not share a table, their data set, model, protocol
        and measure stand in the index, too.

    Raises:
        UserError: If there is nothing to show.
    """
    if spread not in SPREADS:
        raise unknown_name("spread", spread, SPREADS)
    frames = []
    split = blocks_of(_frame(results))
    for block in split:
        made = summarise(block.frame, spread)
        rows = {
            row.label: [" ".join(filter(None, made.text(c))) for c in made.cells(row)]
            for row in made.rows
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=made.column_heads)
        frame = frame.rename_axis("method").reset_index()
        frames.append(_with_block(frame, block) if len(split) > 1 else frame)
    index = [*BLOCK, "method"] if len(split) > 1 else ["method"]
    return pd.concat(frames, ignore_index=True).fillna("").set_index(index)


def _frame(results: pd.DataFrame | Path | str) -> pd.DataFrame:
    if not isinstance(results, pd.DataFrame):
        return load_results(results)
    if results.empty:
        raise UserError("the frame has no rows, so there is nothing to show")
    return results


def _with_block(frame: pd.DataFrame, block: Block) -> pd.DataFrame:
    for at, field in enumerate(BLOCK):
        content = f" ({block.content})" if field == "dataset" and block.content else ""
        frame.insert(at, field, f"{block.key[field]}{content}")
    return frame
