"""A sweep of one run."""

from __future__ import annotations

SWEEP = """\
name: prepared
model: "{model}"
dataset: folder
seeds: [0]
targets: [domain1]
methods: [zero_shot]
"""
