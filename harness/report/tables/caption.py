"""The sentence under a table: data, protocol, backbone, what ± is, n, weights, what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from harness.protocols import PROTOCOLS
from harness.protocols.measures import MEANING as MEANING_OF
from harness.report.tables.model import Table
from harness.report.tables.spread import MEANING

_PROTOCOLS = {
    "domain_shift": "leave one domain out",
    "distribution_shift": "trained on one domain, tested on others",
    "open_class": "half of the classes trained on",
    "domain_and_class": "one domain and half of the classes left out",
}
_WORDS = {
    "domains": "domains", "datasets": "data sets", "models": "backbones", "measures": "measures",
    "shifts": "the domains not trained on",
}  # fmt: skip
_BEYOND = {
    "worst domain": "the lowest of the domains within a seed",
    "per class": "mean of the classes' accuracies",
    "ECE": "expected calibration error in 15 bins, lower is better",
    "AUROC": "how well the highest cosine over the names scored tells images of known classes from "
    "others; 50 is chance",
}
_MANY_ROWS = 12
_SCORES = {"target": "", "source_val": ", source validation"}
_TESTED = {
    "all": "tested on all images of the held-out domain",
    "in": "tested on DomainBed's 'in' part of the held-out domain",
    "out": "tested on DomainBed's 'out' part of the held-out domain",
}


def heading(table: Table) -> str:
    """Return what the table is about in a line."""
    key = table.key
    protocol = _PROTOCOLS.get(key["protocol"], key["protocol"])
    measure = f", {key['measure']}" if key["measure"] not in ("accuracy", "") else ""
    about = f"{_dataset(table)}, {protocol}{measure}{_SCORES[table.score]}"
    more = "beyond accuracy: " if table.over == "beyond" else ""
    return f"{more}{about}, {_model(key)}"


def caption(table: Table) -> str:
    """Return the full caption as plain text."""
    key = table.key
    protocol = _PROTOCOLS.get(key["protocol"], key["protocol"])
    sentences = [
        table.about
        or f"{_measure(table)} in % on {_dataset(table)}; {protocol}{_setting(key)}, "
        f"{_tested(table)}; {_validated(key)}.",
        f"Backbone: {_model(key)}.",
        spread_sentence(table),
        "" if table.over == "beyond" else _selection(table),
    ]
    if any(cell.best for row in table.rows for cell in table.cells(row)):
        lowest = ", the lowest ECE" if "ECE" in table.domains and table.over == "beyond" else ""
        sentences.append(f"Bold: best of the column's complete cells{lowest}.")
    if table.heads != table.domains:
        pairs = zip(table.heads, table.domains, strict=True)
        sentences.append(f"Domains: {', '.join(f'{head} {name}' for head, name in pairs)}.")
    sentences += [_holes(table), table.note]
    return " ".join(sentence for sentence in sentences if sentence)


def _model(key: dict[str, Any]) -> str:
    return f"{key['model']} ({key['precision']})" if key["precision"] else str(key["model"])


def _measure(table: Table) -> str:
    if table.over == "measures":
        texts = "; ".join(
            f"{name}: {MEANING_OF[name]}" for name in table.domains if name in MEANING_OF
        )
        return f"Top-1 accuracy by what is tested ({texts})" if texts else "Top-1 accuracy"
    if table.over == "beyond":
        texts = "; ".join(f"{name}: {_BEYOND[name]}" for name in table.domains)
        return f"Beyond {MEANING_OF[table.key['measure']]} ({texts})"
    text = "top-1 accuracy" if table.score == "source_val" else MEANING_OF[table.key["measure"]]
    return text[0].upper() + text[1:]


def _setting(key: dict[str, Any]) -> str:
    words = [f"trained on {key['source']}"] if key["source"] else []
    words += [f"{key['shots']} images a class"] if key["shots"] else []
    words += ["splits of seed 0 for all runs"] if key["fixed_splits"] else []
    words += [f"{key['test_resize']} test images"] if key["test_resize"] != "model" else []
    return f" ({', '.join(words)})" if words else ""


def _validated(key: dict[str, Any]) -> str:
    if key["shots"] and PROTOCOLS[key["protocol"]].few_shot:
        return f"validated on {min(key['shots'], 4)} images a class"
    share = f"{100 * key['holdout_fraction']:g} %"
    if PROTOCOLS[key["protocol"]].few_shot:
        return f"validated on the official split, or {share} of the training images"
    return f"{share} of each source domain held out for validation"


def _tested(table: Table) -> str:
    if table.score == "source_val":
        return "scored on the validation parts of the source domains (the mean over them)"
    if table.key["protocol"] == "domain_and_class":
        return "tested on all images of the held-out domain"
    if table.key["protocol"] != "domain_shift":
        return "tested on the official test images, or all where there is no such split"
    groups = ", on groups (pictured things) not trained on" if table.key["disjoint_groups"] else ""
    return f"{_TESTED.get(table.key['test_on'], table.key['test_on'])}{groups}"


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
        text += f"; '{table.mean_head}' averages over {_WORDS[table.over]} within each seed first"
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
    parts = (f"{kind} ({', '.join(labels)})" for kind, labels in by_kind.items())
    return f"Weights tested: {'; '.join(parts)}."


def _holes(table: Table) -> str:
    parts = []
    if table.n_missing:
        parts.append(f"{table.n_missing} missing")
    if table.n_failed:
        parts.append(f"{table.n_failed} failed")
    return f"Of {table.n_runs} runs, {' and '.join(parts)}." if parts else ""
