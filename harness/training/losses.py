"""Losses of the methods, as pure functions.

All of them compute in float32 or wider, also under autocast: half-precision logarithms and
Kullback-Leibler terms lose their small probabilities. Text features are constants everywhere (the
text tower is frozen). Sources: CLIPood (Shu et al., ICML 2023, arXiv 2302.00864) and AlignCLIP
(Han et al., Machine Learning 114:58, 2025, doi 10.1007/s10994-025-06742-z), papers and released
code; where the two differ the function names both forms. Others are named where they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, ParamSpec

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.clip.attention import full_precision

SMALLEST_ATTENTION = 1e-12
"""Attention is clamped here before its logarithm; far below any weight a softmax usually gives."""

P = ParamSpec("P")


def _in_full_precision(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Widen half-precision arguments and leave autocast, which would narrow them again."""

    @functools.wraps(function)
    def wide(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        # mypy: ParamSpec arguments cannot be rebuilt, only passed on.
        values = [full_precision(x) if isinstance(x, Tensor) else x for x in args]
        named = {k: full_precision(x) if isinstance(x, Tensor) else x for k, x in kwargs.items()}
        with torch.autocast(tensors[0].device.type, enabled=False):
            return function(*values, **named)  # type: ignore[arg-type]

    return wide


@_in_full_precision
def cosine_logits(features: Tensor, text: Tensor, scale: float) -> Tensor:
    """Return CLIP's logits ``scale * <f, T_c>``.

    Args:
        features: [B, D] unit norm.
        text: [C, D] unit norm.
        scale: Inverse temperature.

    Returns:
        [B, C], float32 or wider.
    """
    return scale * (features @ text.T)


@_in_full_precision
def margin_logits(
    features: Tensor, text: Tensor, labels: Tensor, scale: float, margin: float
) -> Tensor:
    """Return logits with CLIPood's margin: a wrong class gains the farther it is in meaning.

    ``scale * (<f, T_c> + margin * (1 - <T_y, T_c>))``, the margin metric softmax of CLIPood's
    paper. Its code subtracts ``margin * T_y`` from f instead, which is the same up to a constant
    per image and so the same softmax. For training only.

    Args:
        features: [B, D] unit norm.
        text: [C, D] unit norm.
        labels: [B] int64.
        scale: Inverse temperature.
        margin: CLIPood's lambda, AlignCLIP's alpha.

    Returns:
        [B, C], float32 or wider.
    """
    distance = 1 - text @ text.T
    return scale * (features @ text.T + margin * distance[labels])


@_in_full_precision
def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy with soft targets, ``-sum_c q_c log softmax(logits)_c``.

    Args:
        logits: [B, C].
        targets: [B, C]; rows need not sum to one (AlignCLIP's code).

    Returns:
        Scalar, the mean over the batch.
    """
    return -(targets * logits.log_softmax(dim=-1)).sum(dim=-1).mean()


@_in_full_precision
def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy with uniformly smoothed labels; plain for ``smoothing=0``.

    Args:
        logits: [B, C].
        labels: [B] int64.
        smoothing: Share e of the target that is spread over all C classes.

    Returns:
        Scalar, the mean over the batch.
    """
    if smoothing == 0:
        return F.cross_entropy(logits, labels)
    return cross_entropy(logits, uniform_targets(labels, logits.shape[-1], smoothing, logits.dtype))


def uniform_targets(
    labels: Tensor, classes: int, smoothing: float, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return label smoothing's targets ``(1 - e) onehot + e / C`` (Szegedy et al., CVPR 2016).

    Args:
        labels: [B] int64.
        classes: C.
        smoothing: e.
        dtype: Of the result.

    Returns:
        [B, C]; rows sum to one.
    """
    onehot = _onehot(labels, classes, dtype)
    return (1 - smoothing) * onehot + smoothing / classes


@_in_full_precision
def instance_targets(text_logits: Tensor, labels: Tensor, share: float) -> Tensor:
    """Return TeS's targets ``share * p + (1 - share) onehot``, p what the text head says.

    p is the softmax of `text_logits`, kept free of gradient (Wang et al., ICCV 2023, and its code).

    Args:
        text_logits: [B, C] logits of each image over the classes' texts.
        labels: [B] int64.
        share: TeS's lambda_v.

    Returns:
        [B, C] without gradient; rows sum to one.
    """
    onehot = _onehot(labels, text_logits.shape[-1], text_logits.dtype)
    return share * text_logits.detach().softmax(dim=-1) + (1 - share) * onehot


@_in_full_precision
def semantic_distribution(text: Tensor, kappa: float) -> Tensor:
    """Return how similar every class is to each other in meaning, as distributions.

    AlignCLIP's D: row y is the softmax over c of ``kappa * <T_y, T_c>``. Once per task.

    Args:
        text: [C, D] unit norm.
        kappa: Inverse temperature; 35 in the released code.

    Returns:
        [C, C]; rows sum to one.
    """
    return (kappa * (text @ text.T)).softmax(dim=-1)


@_in_full_precision
def semantic_targets(
    distribution: Tensor, labels: Tensor, epsilon: float, normalise: bool
) -> Tensor:
    """Return AlignCLIP's semantically smoothed targets.

    The code sets q_y = epsilon and leaves the other classes at D[y, c], so that q sums to
    ``epsilon + 1 - D[y, y]``, not to one. The paper mixes: ``epsilon onehot + (1 - epsilon) D[y]``.

    Args:
        distribution: [C, C], of `semantic_distribution`.
        labels: [B] int64.
        epsilon: Confidence of the label.
        normalise: The paper's form instead of the code's.

    Returns:
        [B, C].
    """
    rows = distribution[labels]
    if normalise:
        onehot = _onehot(labels, rows.shape[-1], rows.dtype)
        return epsilon * onehot + (1 - epsilon) * rows
    return rows.scatter(1, labels[:, None], epsilon)


@_in_full_precision
def attention_alignment(attention: Tensor, branch: Tensor, text: Tensor, detach: bool) -> Tensor:
    """Return AlignCLIP's attention alignment, ``KL(t || A)``.

    A is the class token's attention over the patches: every block's row divided by its sum, then
    the mean over the blocks. The target t is the softmax over the patches of ``<P_i, T_y>``, the
    branch's similarity to the label. As coded there is no temperature: cosines differ by little,
    so t is nearly uniform.

    Args:
        attention: [B, K, N], rows not renormalised.
        branch: [B, N, D] projected patch features of the branch, of any length.
        text: [B, D] unit-norm text feature of each image's label.
        detach: Keep the gradient out of the target (paper); the code lets it through.

    Returns:
        Scalar, the mean over the batch.
    """
    similarity = torch.einsum("bnd,bd->bn", F.normalize(branch, dim=-1), text)
    target = (similarity.detach() if detach else similarity).log_softmax(dim=-1)
    average = F.normalize(attention, p=1.0, dim=-1).mean(dim=1)
    return _kl(target, average.clamp_min(SMALLEST_ATTENTION).log()) / len(attention)


@_in_full_precision
def similarity_alignment(
    patches: Tensor,
    branch: Tensor,
    text: Tensor,
    labels: Tensor,
    classes: Literal["all", "label"],
    detach: bool,
) -> Tensor:
    """Return AlignCLIP's similarity alignment of the two paths' patch features.

    For a class c, target and input are the softmax over the patches of ``<P_i, T_c>`` in the
    branch and in the ordinary path, without temperature. The code sums the KL over all classes (so
    it grows with C); the paper takes the label's class.

    Args:
        patches: [B, N, D] projected patch features of the ordinary path, of any length.
        branch: [B, N, D], the same of the branch.
        text: [C, D] unit norm.
        labels: [B] int64.
        classes: ``all`` (code) or ``label`` (paper).
        detach: Keep the gradient out of the target (paper); the code lets it through.

    Returns:
        Scalar: the sum over patches and classes, divided by B.
    """
    chosen = text[labels][:, None] if classes == "label" else text
    target = F.normalize(branch.detach() if detach else branch, dim=-1) @ chosen.mT
    similarity = F.normalize(patches, dim=-1) @ chosen.mT
    return _kl(target.log_softmax(dim=1), similarity.log_softmax(dim=1)) / len(labels)


def _kl(log_target: Tensor, log_input: Tensor) -> Tensor:
    """Return ``KL(target || input)`` summed over everything, from logarithms."""
    return (log_target.exp() * (log_target - log_input)).sum()


def _onehot(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    # not F.one_hot, which reads the labels on the host to check them
    zeros = torch.zeros(len(labels), classes, dtype=dtype, device=labels.device)
    return zeros.scatter(1, labels[:, None], 1.0)
