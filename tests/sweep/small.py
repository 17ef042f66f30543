"""A small sweep file."""

from __future__ import annotations

SWEEP = """\
name: small
model: "local-dir:{model}"
dataset: folder
seeds: [0, 1]
targets: [domain0, domain2]
defaults: {{steps: 3, batch_per_domain: 2, lr: 1.0e-3}}
methods:
  - zero_shot
  - {{method: clipood, label: CLIPood}}
  - method: alignclip
    label: AlignCLIP
    params: {{aligned_layers: 2, branch_depth: 2}}
figures:
  - kind: ablation
    name: bars
    bars:
      - {{label: neither, row: CLIPood}}
      - {{label: both, row: AlignCLIP}}
"""
