"""The class similarity matrix of a model and a data set, and AlignCLIP's soft targets from it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.clip.backbone import Backbone
from harness.dataset import Dataset
from harness.maps import captions
from harness.maps.figures.classes import class_picture
from harness.training.losses import semantic_distribution

KAPPA = 35.0
"""AlignCLIP's inverse temperature."""


def class_files(
    backbone: Backbone, dataset: Dataset, kappa: float | None, stem: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the figure's files: cosines of the class texts, and D = softmax(kappa cosines).

    Raises:
        UserError: If a class name makes no prompt.
    """
    kappa = KAPPA if kappa is None else kappa
    text = backbone.text_features(dataset.class_names, dataset.prompts)
    cosine = (text @ text.T).double().cpu().numpy()
    distribution = semantic_distribution(text, kappa).double().cpu().numpy()
    caption = captions.classes(
        backbone.spec, dataset.name, dataset.prompts, kappa, len(dataset.class_names)
    )
    names = [name.replace("_", " ") for name in dataset.class_names]
    titles = ("cosine of text features", f"smoothing distribution D (κ = {kappa:g})")
    for kind in ("png", "pdf"):
        yield f"{stem}.{kind}", class_picture(names, cosine, distribution, titles, caption, kind)
