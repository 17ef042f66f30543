"""Statistics that say whether a gain is real. Pure functions; no torch.

Start with `compare_scores`: candidates against a reference, from the scores of runs. For two runs
over the same images see `images`, for more than accuracy `predictions`.
"""

from harness.report.runs.measures import (
    auroc,
    calibration_error,
    class_accuracies,
    fpr95,
    macro_accuracy,
    negative_log_likelihood,
    worst_domain,
)
from harness.report.stats.comparison import Comparison, OverImages, Verdict
from harness.report.stats.design import Design, Unit
from harness.report.stats.draws import Interval
from harness.report.stats.family import compare_scores, to_frame, together
from harness.report.stats.images import ImagePair, McNemar, image_interval, mcnemar
from harness.report.stats.improvement import interquartile_mean, iqm, probability_of_improvement
from harness.report.stats.mean import bootstrap_interval, t_interval
from harness.report.stats.paired import PairedTest, TestKind, holm, paired_test, sign_flip_p
from harness.report.stats.pairs import Pairs, Scores, gathered, pair, scores_of
from harness.report.stats.power import SeedsNeeded, power_of_t, seeds_needed

__all__ = [
    "Comparison",
    "Design",
    "ImagePair",
    "Interval",
    "McNemar",
    "OverImages",
    "PairedTest",
    "Pairs",
    "Scores",
    "SeedsNeeded",
    "TestKind",
    "Unit",
    "Verdict",
    "auroc",
    "bootstrap_interval",
    "calibration_error",
    "class_accuracies",
    "compare_scores",
    "fpr95",
    "gathered",
    "holm",
    "image_interval",
    "interquartile_mean",
    "iqm",
    "macro_accuracy",
    "mcnemar",
    "negative_log_likelihood",
    "pair",
    "paired_test",
    "power_of_t",
    "probability_of_improvement",
    "scores_of",
    "seeds_needed",
    "sign_flip_p",
    "t_interval",
    "to_frame",
    "together",
    "worst_domain",
]
