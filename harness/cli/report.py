"""``report``: print the tables of a store and write its files."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from harness.cli import options
from harness.console.notes import warn
from harness.console.output import table_console
from harness.errors import UserError, unknown_name
from harness.report.build import Choice, Reported, ranks_by_name, report_blocks
from harness.report.comparison.ranks import RankOver, Ranks
from harness.report.published.numbers import NUMBERS, PublishedNumber, load_numbers
from harness.report.runs.index import index_of
from harness.report.stats import Design
from harness.report.stats.paired import TEST_KINDS
from harness.report.stats.ranks import ROPE
from harness.report.tables.columns import BEYOND
from harness.report.tables.model import ScoredOn
from harness.report.tables.spread import MEANING, SPREADS
from harness.report.text import alignment, confusion
from harness.report.text import comparison as contrast
from harness.report.text import ranks as rank_text
from harness.report.text.tables import to_terminal
from harness.report.tuning.trials import Searched, searched
from harness.report.write import FORMATS, STEMS, USUAL, write_report
from harness.store.store import Store
from harness.tune.choice import rows_of
from harness.tune.words import NAMES

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS = (*FORMATS, "term")
_USUAL = (*USUAL, "term")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    meanings = "; ".join(f"{kind}: {text}" for kind, text in MEANING.items()).replace("%", "%%")
    parser.add_argument(
        "--store", type=Path, default=Path("results/quickstart"), help="results (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="where files go (<store>/report)")
    parser.add_argument("--sweep", help="only the runs of this sweep, under its names")
    parser.add_argument(
        "--by-sweep",
        action="store_true",
        help="a report of each of the store's sweeps, in a folder of its name",
    )
    parser.add_argument(
        "--spread", choices=SPREADS, default="std", help=f"what ± is ({meanings}; %(default)s)"
    )
    parser.add_argument(
        "--format",
        type=names,
        default=",".join(_USUAL),
        metavar="A,B",
        help="some of %(default)s, json",
    )
    parser.add_argument("--model", help="only this backbone, e.g. ViT-B-16/openai")
    parser.add_argument("--dataset", help="only this data set")
    parser.add_argument(
        "--score",
        choices=get_args(ScoredOn),
        default="target",
        help="accuracy on the target domain, or on the sources' validation parts, which is what "
        "hyperparameters may be chosen by (%(default)s)",
    )
    parser.add_argument(
        "--initials", action="store_true", help="head the domains' columns by initials"
    )
    parser.add_argument(
        "--against",
        metavar="LABEL",
        help="the row that others are compared with (the reference that the sweep file names)",
    )
    parser.add_argument(
        "--test",
        choices=TEST_KINDS,
        default=Design.test,
        help="test of the seeds' differences; all but t need 6 seeds or more (%(default)s)",
    )
    parser.add_argument(
        "--no-evidence",
        dest="evidence",
        action="store_false",
        help="only the tables: no comparison, no marks, no further measures",
    )
    parser.add_argument(
        "--measures",
        type=names,
        metavar="A,B",
        help=f"beyond accuracy, some of {', '.join(BEYOND)} (all; top-5 where not always 100)",
    )
    parser.add_argument(
        "--decimals",
        type=options.whole,
        choices=range(5),
        default=Choice.decimals,
        metavar="N",
        help="of the numbers of tables, 0 to 4; table.csv has them all (%(default)s)",
    )
    parser.add_argument(
        "--rows",
        type=names,
        metavar="A,B",
        help="show and compare only these rows of tables, by label or call, in this order",
    )
    parser.add_argument(
        "--columns",
        type=names,
        metavar="A,B",
        help="show only these columns of tables (`mean` is one); means are over all",
    )
    parser.add_argument(
        "--ablation-baseline",
        metavar="ROW",
        help="the bar that an ablation's gains are over, where it has it (the baseline that the "
        "sweep file names, else the lowest bar)",
    )
    parser.add_argument(
        "--alignment",
        action="store_true",
        help="accuracy and gain by how well the pretrained model matched image and label",
    )
    parser.add_argument(
        "--confusion", metavar="LABEL", help="the classes that this row takes for each other"
    )
    parser.add_argument(
        "--rank-over",
        choices=get_args(RankOver),
        help="average ranks over three or more data sets with critical differences, or over "
        "targets, which are not independent",
    )
    parser.add_argument(
        "--rope",
        type=options.amount,
        default=ROPE,
        metavar="POINTS",
        help="of ranked methods: differences that make none in practice (%(default)g)",
    )
    parser.add_argument(
        "--rank-elsewhere",
        action="store_true",
        help="compare and rank weights that `evaluate` tested, which may have seen the test data, "
        "among ours",
    )
    parser.add_argument(
        "--compare-published",
        nargs="?",
        type=Path,
        const=NUMBERS,
        metavar="CSV",
        help="also print and write published numbers beside ours (results/published/numbers.csv)",
    )
    parser.add_argument(
        "--html",
        action="store_true",
        help="also write leaderboard.html: one page to sort, filter and open runs in, offline",
    )


def names(text: str) -> tuple[str, ...]:
    """Return what commas part, save those in brackets and between double quotes."""
    parts, depth = [""], 0
    quoted = False
    for letter in text:
        if letter == '"' and (quoted or not parts[-1].strip()):
            quoted = not quoted
            continue
        if not quoted:
            depth = max(depth + (letter in "[(") - (letter in "])"), 0)
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    if quoted:
        raise argparse.ArgumentTypeError('a double quote is not closed; write A,"B, C"')
    found = tuple(part.strip() for part in parts if part.strip())
    if not found:
        raise argparse.ArgumentTypeError("names none; write A,B")
    return found


def run(args: argparse.Namespace) -> int:
    """Do what the options of `report` say; return the exit status.

    Raises:
        UserError: If nothing is there to report, or a name is unknown.
    """
    with _fewer_collections():
        return _report(args)


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Look for rings among objects seldom: a report makes many, hardly any in a ring."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _report(args: argparse.Namespace) -> int:
    store = Store(args.store)
    root = args.out or args.store / "report"
    asked = {args.sweep: root}
    if args.by_sweep:
        asked = {name: root / name for name in _sweeps(args, store)}
    numbers = load_numbers(args.compare_published) if args.compare_published else None
    # of every sweep first: what is wrong is said before anything is printed or written
    answers = [_answer(store, _choice(args, sweep), args.format) for sweep in asked]
    for answer, out in zip(answers, asked.values(), strict=True):
        _show(store, answer, args.format, out)
        if numbers is not None:
            _published(store, answer.choice, numbers, args.format, out)
        if args.html:
            _page(store, answer, numbers or load_numbers(), out)
    return 0


def _sweeps(args: argparse.Namespace, store: Store) -> list[str]:
    if args.sweep:
        raise UserError(f"--by-sweep --sweep {args.sweep}: give one of the two")
    plans = list(store.plans())
    sweeps = [
        plan.name
        for plan in plans
        if any(store.has(run.id) or store.failure(run.id) for run in rows_of(plan, store))
    ]
    known = {s.id for p in plans for s in (*p.runs, *p.trials, *p.possible_finals())}
    if others := set(index_of(store).run_ids()) - known:
        warn(f"--by-sweep: {len(others)} run(s) that no sweep planned are in none of its reports")
    if not sweeps:
        raise UserError(f"--by-sweep: no sweep was run into {args.store}; leave it out")
    return sweeps


def _choice(args: argparse.Namespace, sweep: str | None) -> Choice:
    fields = Choice.__dataclass_fields__
    return Choice(**{name: getattr(args, name) for name in fields} | {"sweep": sweep})


def _published(
    store: Store,
    choice: Choice,
    numbers: Sequence[PublishedNumber],
    formats: Sequence[str],
    out: Path,
) -> None:
    from harness.cli.published import report_published

    bare = replace(choice, score="target", evidence=False, against=None, rows=None, columns=None)
    tables = [part.table for part in report_blocks(store, bare)]
    report_published(tables, numbers, out, formats)


def _page(store: Store, answer: _Answer, numbers: Sequence[PublishedNumber], out: Path) -> None:
    from harness.report.page.literature import literature
    from harness.report.page.render import write_page

    print(write_page(store, out, answer.choice, literature(numbers), answer.parts))


def report(
    store_dir: Path,
    out_dir: Path | None = None,
    choice: Choice | None = None,
    formats: Sequence[str] = _USUAL,
) -> int:
    """Print the tables, write the files, say where they are; return the exit status.

    Args:
        store_dir: The store's directory.
        out_dir: Where files go; by default ``report`` in the store.
        choice: What to report, and how; by default everything, with standard deviations.
        formats: Some of md, csv, tex, json, png, pdf; ``term`` prints the tables.

    Raises:
        UserError: If nothing is there to report, or a name is unknown.
    """
    store = Store(store_dir)
    answer = _answer(store, choice or Choice(), formats)
    _show(store, answer, formats, out_dir or store_dir / "report")
    return 0


@dataclass(frozen=True)
class _Answer:
    """What is printed and written of a store."""

    choice: Choice
    parts: list[Reported]
    ranks: list[Ranks]
    tried: list[Searched]


def _answer(store: Store, choice: Choice, formats: Sequence[str]) -> _Answer:
    for name in formats:
        if name not in _FORMATS:
            raise unknown_name("format", name, _FORMATS)
    parts = report_blocks(store, choice)
    ranks = [ranks for _, ranks in ranks_by_name(store, choice, parts)]
    return _Answer(choice, parts, ranks, searched(store, choice))


def _show(store: Store, answer: _Answer, formats: Sequence[str], out: Path) -> None:
    """Print the tables, write the files, say where they are."""
    for run_id, why in sorted(index_of(store).contradictory.items()):
        warn(
            f"not reported: run {run_id}: {why}; restore {store.run_dir(run_id)}, or delete it and "
            "run it again"
        )
    choice, parts = answer.choice, answer.parts
    _say_not_chosen(answer.tried)
    if choice.alignment and not any(part.alignment for part in parts):
        warn("--alignment: not recorded in these runs, which are of before it was kept; run again")
    if choice.confusion and not any(part.confusion for part in parts):
        warn(f"--confusion {choice.confusion}: its predictions are not there; run it again")
    shown = {name for part in parts if part.beyond for name in part.beyond.domains}
    if absent := [name for name in choice.measures or () if name not in shown]:
        warn(
            f"--measures {', '.join(absent)}: of no table here; AUROC and FPR95 are of classes not "
            "trained on, 'worst domain' of several domains, and none of --score source_val or "
            "--no-evidence"
        )
    if "term" in formats:
        console = table_console()
        for part in parts:
            _print(part, console)
        for ranks in answer.ranks:
            console.print(rank_text.to_terminal(ranks))
    files = [name for name in formats if name != "term"]
    if files:
        paths = write_report(store, out, choice, files, parts, answer.tried)
        for path in paths:
            print(path)
        _say_older(store, out, paths)


def _say_not_chosen(found: Sequence[Searched]) -> None:
    """Say which tuned rows lack a target, or are not there at all."""
    without = [
        f"{one.search.row} on {one.target} ({NAMES[one.search.rule]}: "
        f"{'all failed' if all(t.status == 'failed' for t in one.trials) else 'not all are done'})"
        for one in found
        if one.chosen is None
    ]
    if without:
        few = "; ".join(without[:3]) + ("; ..." if len(without) > 3 else "")
        warn(f"tuned rows lack {len(without)} target(s), whose trials chose nothing: {few}")


def _say_older(store: Store, out: Path, written: Sequence[Path]) -> None:
    """Say which files of earlier reports lie beside these and lack the store's last runs."""
    older = [
        path.name
        for path in sorted(set(out.glob("*")) - set(written))
        if path.suffix[1:] in FORMATS
        and path.stem.partition("-")[0] in STEMS
        and path.stat().st_mtime < store.changed()
    ]
    if older:
        few = ", ".join(older[:5]) + (" ..." if len(older) > 5 else "")
        warn(
            f"{out}: {len(older)} file(s) of an earlier report are not of this one, and older than "
            f"the store's last run: {few}; delete them"
        )


def _print(part: Reported, console: Console) -> None:
    """Print a table, what can be said about it, and what its predictions say beyond it."""
    from rich.text import Text

    bold = console.is_terminal
    console.print(to_terminal(part.table, console.width, bold))
    if part.evidence is not None:
        console.print(Text(part.evidence.answer, style="bold"))
        comparison = contrast.to_terminal(part.evidence)
        if comparison is not None:
            console.print(comparison)
    if part.beyond is not None:
        console.print(to_terminal(part.beyond, console.width, bold))
    if part.alignment is not None:
        console.print(*alignment.to_terminal(part.alignment, console.width, bold))
    if part.confusion is not None:
        console.print(confusion.to_terminal(part.confusion))
