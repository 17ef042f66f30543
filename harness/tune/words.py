"""What rows, trials and captions of a search are called; an oracle is never called less."""

from __future__ import annotations

from collections.abc import Sequence

from harness.store.records import Rule

NAMES: dict[Rule, str] = {
    "training-domain": "training-domain",
    "leave-one-source-out": "leave-one-source-out",
    "oracle": "ORACLE",
}
"""Of the rules, in labels."""
_BY: dict[Rule, str] = {
    "training-domain": "accuracy on the source domains' validation parts",
    "leave-one-source-out": "accuracy on one source domain after the other, held out beside the "
    "target",
    "oracle": "accuracy, once after the last step, on a part of the held-out domain itself that is "
    "not tested: what tuning on the target would give, no fair comparison",
}


def tuned_label(row: str, rule: Rule, trials: int) -> str:
    """Return what tables call a row whose values were chosen."""
    return f"{row} (tuned, {NAMES[rule]}, {trials} trials)"


def defaults_label(row: str) -> str:
    """Return what tables call such a row with its own values."""
    return f"{row} (defaults)"


def trial_label(row: str, rules: Sequence[Rule]) -> str:
    """Return what progress and status call a row's trials."""
    return f"{row} (trial, {' and '.join(NAMES[rule] for rule in rules)})"


def about(rule: Rule, trials: int, drawn: str, splits: Sequence[int]) -> str:
    """Return the sentence of captions on one rule's budget.

    Args:
        rule: By which the values are chosen.
        trials: For each row and target.
        drawn: How the values of the trials came about.
        splits: Data seeds of the trials.
    """
    return (
        f"Tuned, {NAMES[rule]}: the best of {trials} trials for each target (the row's own "
        f"values and {drawn}, on splits of data seed {', '.join(map(str, splits))}) by "
        f"{_BY[rule]}."
    )
