"""What a reader must know of a cost measurement's numbers."""

from __future__ import annotations

from harness.cost.record import CostReport


def caption(report: CostReport) -> list[str]:
    """Return what the numbers are, in sentences."""
    setting = report.setting
    weights = ", random weights" if setting.random_weights else ""
    cuda = setting.device.startswith("cuda")
    memory = "allocated on the GPU" if cuda else "resident in a fresh process, libraries included"
    said = [
        f"{setting.model.title()}{weights}, {setting.model.precision}, {report.activation}, batch "
        f"{setting.batch}, {setting.classes} classes, random images.",
        f"{report.device_name}, {setting.threads} thread(s) of torch {report.versions['torch']}, "
        f"{report.started}, code {report.git[:12] or 'without git'}.",
        f"Columns: image is the inference of one image (its time in a batch), step a training step "
        f"over the {setting.batch}.",
        f"Times: median of {report.rounds} round(s) over all methods in turns; × relative to "
        f"{report.reference}: median (and range) of the ratios within a round. No image decoding.",
        "GFLOPs: counted matrix products and convolutions, 2 per multiply-add. Inference includes "
        "the logits; the class names' text features are there already where they are kept.",
        f"Peak: over a training step, {memory}; of a method that does not train, over inference.",
    ]
    frozen = [row.label for row in report.rows if row.trains and row.frozen_image_tower]
    if frozen:
        said.append(
            f"The training step of {', '.join(frozen)} begins with image features that are "
            "computed once before training; computing them is not part of the step."
        )
    said += [
        f"* {row.label}: not counted, no formula: {', '.join(row.uncounted)}."
        for row in report.rows
        if row.uncounted
    ]
    if setting.random_weights:
        said.append(
            "Cost does not depend on the weights' values. QuickGELU, which OpenAI's weights need "
            "(ViT-B-16-quickgelu), has the same GFLOPs, but it is not one fused operator: its "
            "time and memory are measured only under that name."
        )
    if report.stopped:
        said.append("Stopped before its end: fewer rounds, or no memory for some rows.")
    return said
