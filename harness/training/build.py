"""Build a method so that exactly what it names trains."""

from __future__ import annotations

from typing import Any

import torch

from harness.clip.backbone import Backbone
from harness.method import Method, Task
from harness.seeding import derive


def build_method(
    method: Method[Any], backbone: Backbone, task: Task
) -> dict[str, torch.nn.Parameter]:
    """Build `method` on its own copy of the image tower; gradients on what it trains only.

    Args:
        method: Not yet built.
        backbone: A fork, which the method may change.
        task: What the method may know.

    Raises:
        UserError: What the method finds wrong.
    """
    # For methods that draw initial values with torch's global generator in spite of task.seed.
    torch.manual_seed(derive("build", task.seed))
    parameters = method.build(backbone, task)
    for parameter in backbone.model.parameters():
        parameter.requires_grad_(False)
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    return parameters
