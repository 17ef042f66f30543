"""What a reader must know to read a map or a share of attention rightly."""

from __future__ import annotations

from dataclasses import dataclass

from harness.maps.compute import Tower
from harness.prompts import Template
from harness.specs import ModelSpec, RunSpec


@dataclass(frozen=True)
class MapSetting:
    """What the captions speak of."""

    run: RunSpec
    """Any of the runs: its model, data set, target and seed."""
    template: Template
    tower: Tower
    layers: int
    """K of the first and the last K blocks."""
    masks: bool
    """Whether outlines of objects are drawn."""

    @property
    def grid(self) -> str:
        """The patches, e.g. ``14 × 14``."""
        return f"{self.tower.grid[0]} × {self.tower.grid[1]}"


def attention(about: MapSetting) -> str:
    """Return the caption of the attention maps."""
    return (
        f"Class-token attention on {_images(about)}: the class token's row of softmax(QK'/√d), "
        "mean over heads, its own column left out and each block's row divided by its sum, mean "
        f"over the first and over the last {about.layers} of {about.tower.blocks} blocks. "
        f"No text takes part. {_drawing(about)} {_weights(about)}"
    )


def similarity(about: MapSetting) -> str:
    """Return the caption of the similarity maps."""
    return (
        f"Similarity to the label on {_images(about)}: cosine of each patch token, after the "
        f"tower's last norm and projection, with the text '{about.template}' of the image's own "
        "class; no other image or text enters. Ordinary path: the tower's own patch tokens. "
        f"Branches (CLIP Surgery's second path, last {about.tower.depth} of {about.tower.blocks} "
        "blocks, same weights, no MLP): V-V-V takes softmax(VV'/√d) V, D-V takes V itself. "
        f"{_drawing(about)} {_weights(about)}"
    )


def share(about: MapSetting) -> str:
    """Return what heads the caption of the table of shares."""
    return (
        f"Share in % of the class token's attention over the {about.grid} patches (mean over "
        f"heads, each block's row divided by its sum) that lies on the object, {_measured(about)}. "
        "area: the object's share of the image, which uniform attention would get; "
        f"first {about.layers}, last {about.layers}, all blocks: mean over these of "
        f"{about.tower.blocks} blocks; / area: relative to uniform attention, 100 is chance, less "
        "leans to the background (per domain, then the mean over domains)."
    )


def localisation(about: MapSetting) -> str:
    """Return what heads the caption of the table of similarity maps."""
    return (
        f"Maps of similarity to the label's text on the {about.grid} patches, {_measured(about)}. "
        "difference: mean of the map, stretched to 0..100 in each image, over the object minus "
        "over the rest, 0 is chance; hit: pointing game, % of images whose highest pixel of the "
        "bilinearly upsampled map is on the object, chance is the object's share of the image "
        "(area). plain: the tower's own patch tokens; v-v-v, d-v: branches through the last "
        f"{about.tower.depth} blocks."
    )


def bars(about: MapSetting, spread: str) -> str:
    """Return the caption of the bars."""
    return (
        "Share of the class token's attention over the patches that lies on the object, by block "
        f"and as means over blocks; {about.run.dataset.name}, "
        f"{about.run.model.title()}, mean over targets; {spread}. Dashed: what uniform "
        "attention would put there, the object's share of the image."
    )


def classes(model: ModelSpec, dataset: str, template: Template, kappa: float, number: int) -> str:
    """Return the caption of the class matrix."""
    return (
        f"{number} classes of {dataset} to {model.title()}'s text tower, prompt '{template}'. "
        "Left: cosine of the text features. Right: row y is AlignCLIP's D_y = softmax over c of "
        f"κ cos(T_y, T_c) with κ = {kappa:g}. Colours end at the largest value off the diagonal; "
        "the diagonal is above."
    )


def _images(about: MapSetting) -> str:
    run = about.run  # of some protocols the target is the domain that trains
    return f"test images of {run.dataset.name} ({run.protocol.title}: {run.target})"


def _measured(about: MapSetting) -> str:
    return (
        "measured on every test image that has a mask, weighting patches by how much of "
        "them the mask covers"
    )


def _drawing(about: MapSetting) -> str:
    outline = " Outlined: the object." if about.masks else ""
    return (
        f"Each map is stretched from its own minimum to its maximum over the {about.grid} patches, "
        f"upsampled bilinearly and laid over the image in grey (viridis).{outline}"
    )


def _weights(about: MapSetting) -> str:
    return (
        f"Backbone {about.run.model.title()}; trained rows show the weights that were tested, "
        f"seed {about.run.seed}."
    )
