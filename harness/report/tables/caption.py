"""The sentence under a table: data, protocol, backbone, what ± is, n, weights, what is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.report.runs.blocks import protocol_of, words_apart
from harness.report.tables.model import Table
from harness.report.tables.spread import MEANING

_MANY_ROWS = 12
_SCORES = {"target": "", "source_val": ", source validation"}


def title_text(table: Table) -> str:
    """Return what the table is about in a line."""
    key = table.key
    protocol = protocol_of(key).title
    measure = f", {key['measure']}" if key["measure"] not in ("accuracy", "") else ""
    scored = f"{_dataset(table)}, {protocol}{measure}{_SCORES[table.score]}"
    content = f", {table.content}" if table.content else ""
    differs = f" ({table.differs})" if table.differs else ""
    return f"{table.kind.about}{scored}, {_model(key)}{content}{differs}"


def told_apart(tables: Sequence[Table]) -> list[Table]:
    """Return the tables, those of the same title with what differs between them in it."""
    titles = [title_text(table) for table in tables]
    out = []
    for table, title in zip(tables, titles, strict=True):
        twins = [own.key for own, other in zip(tables, titles, strict=True) if other == title]
        out.append(replace(table, differs=words_apart(table.key, twins)))
    return out


def caption_text(table: Table, beside: Table | None = None, bold: bool = True) -> str:
    """Return the full caption as plain text.

    Args:
        table: The table.
        beside: Whose columns stand beside its own.
        bold: Whether what is best can be told by its type.
    """
    texts = (text for text, _ in _sentences(table, beside))
    return " ".join(text for text in texts if text and (bold or not text.startswith(_BOLD)))


def short_caption(table: Table) -> str:
    """Return what must stand over the table in a paper: what it shows, and what its signs mean."""
    title = f"{title_text(table)}{table.kind.title}"
    head = title if table.kind.about else f"accuracy in %: {title}"
    shown = "" if table.about else f"{head[0].upper()}{head[1:]}."
    return " ".join(filter(None, [shown, *(text for text, short in _sentences(table) if short)]))


def notes_text(table: Table) -> str:
    """Return the rest of the full caption, for below the table."""
    return " ".join(text for text, short in _sentences(table) if text and not short)


def _sentences(table: Table, beside: Table | None = None) -> list[tuple[str, bool]]:
    """Return the sentences of the full caption, each perhaps empty, and whether it is short."""
    measured = f"{_measure(table)} in % on {_dataset(table)}; {_protocol(table)}."
    heads = (f"{head} {name}" for head, name in zip(table.heads, table.domains, strict=True))
    return [
        (table.about, True),
        ("" if table.about else measured, False),
        (f"{'Weights' if table.apart else 'Backbone:'} {_model(table.key)}.", False),
        (_elsewhere(table), False),
        (_content(table), False),
        (spread_sentence(table), True),
        (_selection(table) if table.kind.names_weights else "", False),
        (table.tuning, False),
        (_bold([table] if beside is None else [table, beside]), True),
        ("" if table.heads == table.domains else f"Domains: {', '.join(heads)}.", False),
        (_holes(table), False),
        (table.note, True),
    ]


_BOLD = "Bold: "


def _bold(tables: Sequence[Table]) -> str:
    """Return what is bold, if anything is."""
    best = [
        (table, column)
        for table in tables
        for i, column in enumerate(table.columns)
        if any(table.cells(row)[i].best for row in table.rows)
    ]
    lower = "".join(f", the lowest {name}" for own, name in best if own.kind.lower_is_better(name))
    return f"{_BOLD}best of the column's complete cells{lower}." if best else ""


def _model(key: dict[str, Any]) -> str:
    return f"{key['model']} ({key['precision']})" if key["precision"] else str(key["model"])


def _elsewhere(table: Table) -> str:
    """Return which weights those trained elsewhere are, and what is to be thought of them."""
    theirs = [row for row in table.rows if row.elsewhere]
    if not theirs:
        return ""
    named = ", ".join(f"{row.label} is {row.config['model']}" for row in theirs if row.config)
    which = f" ({named})" if named else ""
    if table.apart:
        return f"Not ranked, and compared with none of ours{which}."
    return f"Rows {theirs[0].method}{which}."


def _content(table: Table) -> str:
    """Return why there is another table of these words: files that changed between runs."""
    if not table.content:
        return ""
    return f"Of the runs whose files had this content: {table.content}."


def _measure(table: Table) -> str:
    measure = "accuracy" if table.score == "source_val" else table.key["measure"]
    return table.kind.measure(table.domains, measure)


def _protocol(table: Table) -> str:
    protocol = protocol_of(table.key)
    setting = ", ".join(protocol.setting_words())
    tested = protocol.tested_words()
    if table.score == "source_val":
        tested = "scored on the validation parts of the source domains (the mean over them)"
    named = f"{protocol.title} ({setting})" if setting else protocol.title
    return f"{named}, {tested}; {protocol.validated_words()}"


def spread_sentence(table: Table) -> str:
    """Return what ± is and over how many seeds."""
    seeds = {cell.n for row in table.rows for cell in row.cells or (row.mean,) if cell.n}
    if not seeds:
        return ""
    if max(seeds) == 1:
        return "One seed (n = 1), so no ±."
    rest = "" if seeds == {table.usual_n} else ", n in brackets where it differs"
    usual = f"n = {table.usual_n} seeds" if table.usual_n else "seeds"
    varies = any(cell.spread is not None for row in table.rows for cell in table.cells(row))
    text = f"Mean{f' ± {MEANING[table.spread]}' if varies else ''} over {usual}{rest}"
    if table.has_mean:
        more = f" ({table.hidden} of them not shown)" if table.hidden else ""
        text += (
            f"; '{table.mean_head}' averages over {table.kind.many}{more} within each seed first"
        )
    still = deterministic_words(table)
    return f"{text}. {still[0].upper()}{still[1:]}." if still else f"{text}."


def deterministic_words(table: Table) -> str:
    """Return which rows are without ± as nothing in them is random, if there are any."""
    still = [r.label for r in table.rows if any(cell.deterministic for cell in table.cells(r))]
    return f"deterministic, so no ±: {', '.join(still)}" if still else ""


def with_initials(table: Table) -> Table:
    """Return the table with its domains headed by the shortest initials that tell them apart."""
    heads = []
    for domain in table.domains:
        others = [other for other in table.domains if other != domain]
        length = 1
        while length < len(domain) and any(
            other[:length].lower() == domain[:length].lower() for other in others
        ):
            length += 1
        heads.append(domain[:1].upper() + domain[1:length])
    return replace(table, heads=tuple(heads))


def _dataset(table: Table) -> str:
    options = json.loads(table.key["dataset_options"])
    if "class_names" in options:  # as many as a thousand
        options["class_names"] = f"{len(options['class_names'])} given"
    inner = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"{table.key['dataset']}{f' ({inner})' if inner else ''}"


def _selection(table: Table) -> str:
    by_kind: dict[str, list[str]] = {}
    for row in table.rows:
        if row.selection:
            # Of a long table, say it once for each method.
            name = row.label if len(table.rows) <= _MANY_ROWS else row.method
            names = by_kind.setdefault(row.selection, [])
            if name not in names:
                names.append(name)
    if not by_kind:
        return ""
    if len(by_kind) == 1:
        return f"Weights tested: {next(iter(by_kind))}."
    named = (f"{kind} ({', '.join(labels)})" for kind, labels in by_kind.items())
    return f"Weights tested: {'; '.join(named)}."


def _holes(table: Table) -> str:
    counts = ((table.n_missing, "missing"), (table.n_failed, "failed"))
    holes = " and ".join(f"{n} {status}" for n, status in counts if n)
    return f"Of {table.n_runs} runs, {holes}." if holes else ""
