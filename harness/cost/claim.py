"""What the attention-free branch saves: does the published factor describe a training step?

A rebuttal to reviewers (results/published/numbers.csv, protocol `cost`) gives GFLOPs for V-V-V and
for D-V, 'per attention map computation', and calls D-V 1,549 times cheaper. The answer compares
rows that differ in nothing but the field `branch` of their configurations, whatever the method,
and the counted attention product of one block.
"""

from __future__ import annotations

import statistics

from harness.cost.record import AttentionProducts, CostReport, CostRow, ratios

VVV_GFLOPS = 0.46478
DV_GFLOPS = 0.0003
"""Both as published, of ViT-B/16 with 12 heads, 197 tokens of width 768."""


def branch_pair(rows: tuple[CostRow, ...]) -> tuple[CostRow, CostRow] | None:
    """Return two rows that differ only in the branch, ``d-v`` and ``v-v-v``; None without."""
    for one in rows:
        for other in rows:
            if (
                one.method == other.method
                and one.config.get("branch") == "d-v"
                and other.config == {**one.config, "branch": "v-v-v"}
            ):
                return one, other
    return None


def answer(report: CostReport) -> list[str]:
    """Return the answer in sentences with the measured numbers; nothing without the two rows."""
    pair, products = branch_pair(report.rows), report.attention
    if pair is None or products is None:
        return []
    dv, vvv = pair
    if not (dv.step_flops and vvv.step_flops):
        return []
    flops = vvv.step_flops / dv.step_flops
    times = ratios(vvv.step_ms, dv.step_ms)
    claimed = VVV_GFLOPS / DV_GFLOPS
    describes = "describes" if flops > claimed / 2 else "does not describe"
    return [
        f"The rebuttal's {claimed:,.0f} x ({VVV_GFLOPS} / {DV_GFLOPS} GFLOPs) {describes} a "
        f"training step: with V-V-V in place of D-V a step takes {flops:.4f} x the GFLOPs "
        f"({vvv.step_flops / 1e9:.5g} against {dv.step_flops / 1e9:.5g}) and "
        f"{statistics.median(times):.3f} x the time ({min(times):.3f} to {max(times):.3f} over "
        f"{len(times)} rounds).",
        _products(products),
        *_origin(products),
    ]


def _products(products: AttentionProducts) -> str:
    flops = {row.label: row.flops / 1e9 for row in products.rows}
    return (
        "What an identity does without is the attention product of a block: counted per image, "
        f"{flops['v-v-v']:.4g} GFLOPs for V-V-V and {flops['d-v']:.4g} for D-V, which no factor "
        "relates. Both then project the result with "
        f"{flops['output projection of a branch']:.4g} GFLOPs."
    )


def _origin(products: AttentionProducts) -> list[str]:
    """Say which other quantity the rebuttal's two numbers are equal to, on the model it names."""
    tokens, width = products.tokens, products.width
    four, two = 4 * tokens * width**2 / 1e9, 2 * tokens * width / 1e9
    if round(four, 5) != VVV_GFLOPS or round(two, 4) != DV_GFLOPS:
        return []
    return [
        f"{VVV_GFLOPS} equals 4 T d² / 10⁹ and {DV_GFLOPS} equals 2 T d / 10⁹ (T = {tokens} "
        f"tokens, d = {width}): the size of d x d projections of all tokens and of the class "
        "token's row of one attention matrix, not of softmax(V Vᵀ) V."
    ]
