"""The sentence under a table: data, protocol, backbone, what ± is, n, weights, what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from harness.report.runs.blocks import protocol_of
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
    return f"{table.kind.about}{scored}, {_model(key)}{content}"


def caption_text(table: Table) -> str:
    """Return the full caption as plain text."""
    sentences = [
        table.about or f"{_measure(table)} in % on {_dataset(table)}; {_protocol(table)}.",
        f"{'Weights' if table.apart else 'Backbone:'} {_model(table.key)}.",
        _elsewhere(table),
        _content(table),
        spread_sentence(table),
        _selection(table) if table.kind.names_weights else "",
        table.tuning,
    ]
    if any(cell.best for row in table.rows for cell in table.cells(row)):
        lower = "".join(f", the lowest {c}" for c in table.domains if table.kind.lower_is_better(c))
        sentences.append(f"Bold: best of the column's complete cells{lower}.")
    if table.heads != table.domains:
        pairs = zip(table.heads, table.domains, strict=True)
        sentences.append(f"Domains: {', '.join(f'{head} {name}' for head, name in pairs)}.")
    sentences += [_holes(table), table.note]
    return " ".join(sentence for sentence in sentences if sentence)


def _model(key: dict[str, Any]) -> str:
    return f"{key['model']} ({key['precision']})" if key["precision"] else str(key["model"])


def _elsewhere(table: Table) -> str:
    """Return which weights those trained elsewhere are, and what is to be thought of them."""
    theirs = [row for row in table.rows if row.elsewhere]
    if not theirs:
        return ""
    named = ", ".join(
        f"{row.label.removesuffix(' (trained elsewhere)')} is {row.config['model']}"
        for row in theirs
        if row.config
    )
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
    seeds = {cell.n for row in table.rows for cell in row.cells if cell.n}
    if not seeds:
        return ""
    if max(seeds) == 1:
        return "One seed (n = 1), so no ±."
    rest = "" if seeds == {table.usual_n} else ", n in brackets where it differs"
    usual = f"n = {table.usual_n} seeds" if table.usual_n else "seeds"
    text = f"Mean ± {MEANING[table.spread]} over {usual}{rest}"
    if table.has_mean:
        text += f"; '{table.mean_head}' averages over {table.kind.many} within each seed first"
    return f"{text}."


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
