"""Search spaces that methods of one kind share: see ``Method.search_space``."""

from __future__ import annotations

from harness.tune.space import Space, log_uniform, uniform

FINETUNING: Space = {"lr": log_uniform(5e-7, 5e-5), "weight_decay": log_uniform(1e-2, 1.0)}
"""A decade either side of CLIPood's 5e-6 and 0.1. DomainBed draws both on a logarithmic scale, too;
its ranges (1e-5 to 10^-3.5, 1e-6 to 1e-2) are a ResNet's, with Adam and decay that is not
decoupled."""

CLIPOOD: Space = {**FINETUNING, "margin": uniform(0.0, 0.5), "beta": log_uniform(0.1, 1.0)}
"""Around the margins (0.1, 0.3) and shapes (0.1, 0.5) of CLIPood's scripts; 1 is the plain
average."""

PROMPTS: Space = {"lr": log_uniform(2e-4, 2e-2), "weight_decay": log_uniform(5e-5, 5e-3)}
"""A decade either side of CoOp's 2e-3 and 5e-4."""
