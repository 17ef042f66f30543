"""Floating-point operations, counted as they are dispatched (2 per multiply-add).

``torch.utils.flop_counter`` counts matrix products and convolutions, forward and backward. It lacks
the fused attention of the CPU, the whole attention block in one operator (how nn.MultiheadAttention
runs without gradients) and products with a vector, which are added here; elementwise work
(norms, softmax, activations, the optimiser) has no formula, as in every count of this kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from torch.utils.flop_counter import sdpa_backward_flop_count as sdpa_backward

_aten = torch.ops.aten
# What a matrix product may be called. One that has no formula is reported, never passed over.
_DENSE = re.compile(r"attention|conv|rnn|lstm|gru|matmul|(^|_)linear(_|$)|(mm|mv|dot)(_|$)")
_Shape = tuple[int, ...]


def _attention(q: _Shape, k: _Shape, v: _Shape, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(q, k, v))  # type: ignore[no-untyped-call]


def _attention_backward(grad: _Shape, q: _Shape, k: _Shape, v: _Shape, *_: Any, **__: Any) -> int:
    return int(sdpa_backward(grad, q, k, v))  # type: ignore[no-untyped-call]


def _whole_attention(
    x: _Shape, _k: _Shape, _v: _Shape, width: int, heads: int, qkv: _Shape, *_: Any, **__: Any
) -> int:
    """Count projections, product and output of self-attention, x [B, T, d]."""
    batch, tokens, _d = x
    each = (batch, heads, tokens, width // heads)
    linear = 2 * batch * tokens * width * (qkv[0] + width)
    return linear + _attention(each, each, each)


def _matrix_vector(matrix: _Shape, *_: Any, **__: Any) -> int:
    return 2 * math.prod(matrix)


def _add_matrix_vector(_bias: _Shape, matrix: _Shape, *_: Any, **__: Any) -> int:
    return 2 * math.prod(matrix)


_MISSING: dict[Any, Callable[..., int]] = {
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    _aten._native_multi_head_attention: _whole_attention,
    _aten.mv: _matrix_vector,
    _aten.dot: _matrix_vector,
    _aten.addmv: _add_matrix_vector,
}


class _Leaves(TorchDispatchMode):
    """Notes the operators that reach a kernel."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[Any] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.seen.add(func.overloadpacket)
        return func(*args, **(kwargs or {}))


def count_flops(work: Callable[[], object]) -> tuple[int, tuple[str, ...]]:
    """Do `work` once and count.

    The backward pass of fused attention is counted with its recomputed scores, as torch does for
    the fused kernels of GPUs: it takes five products where the forward pass takes two.

    Returns:
        FLOPs, and the names of operators that look like matrix products but have no formula: the
        count is too low by those.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_MISSING)
    leaves = _Leaves()
    with leaves, counter:  # the counter is asked first, and passes on what it does not take apart
        work()
    unknown = {
        op.__name__
        for op in leaves.seen
        if op not in counter.flop_registry and _DENSE.search(op.__name__)
    }
    return int(counter.get_total_flops()), tuple(sorted(unknown))
