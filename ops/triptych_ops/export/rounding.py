"""Weights -> int8 codes, so that the layer's output changes least rather than each weight.

Shapes: G groups of a layer's inputs, O outputs of a group, K weights of an output. A depthwise convolution has
one output a group, a linear layer one group.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DAMPING = 0.01  # share of the mean variance added to each input's, as in https://arxiv.org/abs/2210.17323
_CAUTION = 1.0  # the same where weights are fitted: less fits the few images, more leaves errors as they are
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of a layer's inputs in the float graph (x) and in the quantised one (z)."""

    mean: NDArray[np.float64]  # (G, K) of x
    quantised_mean: NDArray[np.float64]  # (G, K) of z
    covariance: NDArray[np.float64] | None  # (G, K, K) of z with z; None where K is too large
    difference: NDArray[np.float64] | None  # (G, K, K) of x - z with z


@dataclass(frozen=True, slots=True)
class Rounded:
    """Weights in int8."""

    codes: NDArray[np.float32]  # (G, O, K) whole numbers
    scale: NDArray[np.float32]  # (G, O); a weight is its code times this
    shift: NDArray[np.float64]  # (G, O) to be added to the bias, so that the mean of the output stays
    loss: float  # variance of the output that rounding the weights adds, as a share of its own


def round_weights(
    weights: NDArray[np.float64], moments: Moments, *, largest_code: int, least_scale: NDArray[np.float64]
) -> Rounded:
    """Round `weights` (G, O, K) to codes of at most `largest_code`, with scales (G, O) of at least `least_scale`.

    First the weights W' that take z nearest to what the weights W made of x, by least squares. Then GPTQ
    (https://arxiv.org/abs/2210.17323): rounded one by one, each error made good by those that follow. What is left
    in the mean goes to the bias ("bias correction", https://arxiv.org/abs/1906.04721, section 4.2).
    """
    target = weights
    if moments.covariance is not None and moments.difference is not None:
        # W' = W + W cov(x - z, z) (cov(z, z) + damping)^-1
        error = weights @ moments.difference
        target = weights + np.linalg.solve(_damped(moments.covariance, _CAUTION), error.transpose(0, 2, 1)).transpose(
            0, 2, 1
        )
    scale = np.maximum(np.abs(target).max(axis=2) / largest_code, least_scale).astype(np.float32)
    if moments.covariance is None:
        codes = np.rint(target / scale[..., None]).astype(np.float32)
    else:
        codes = _gptq(target, _damped(moments.covariance, _DAMPING), scale, largest_code)
    left = np.einsum("gok,gk->go", weights, moments.mean)
    left -= np.einsum("gok,gk->go", codes * scale[..., None], moments.quantised_mean)
    error = target - codes * scale[..., None]
    loss = 0.0
    if moments.covariance is not None:
        loss = _variance(error, moments.covariance) / max(_variance(weights, moments.covariance), _TINY)
    return Rounded(codes, scale, left, loss)


def _variance(weights: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    """Of all outputs together."""
    return float(np.sum((weights @ covariance) * weights))


def _damped(covariance: NDArray[np.float64], damping: float) -> NDArray[np.float64]:
    share = damping * np.einsum("gkk->g", covariance) / covariance.shape[1]
    floor = np.finfo(np.float32).eps  # of inputs that never change
    damped: NDArray[np.float64] = covariance + np.maximum(share, floor)[:, None, None] * np.eye(covariance.shape[1])
    return damped


def _gptq(
    weights: NDArray[np.float64], covariance: NDArray[np.float64], scale: NDArray[np.float32], largest_code: int
) -> NDArray[np.float32]:
    # Inputs of the largest variance first: most others are left to make their errors good.
    order = np.argsort(-np.einsum("gkk->gk", covariance), axis=1, kind="stable")
    rest = np.take_along_axis(weights, order[:, None, :], axis=2).astype(np.float32)
    ordered = np.take_along_axis(np.take_along_axis(covariance, order[:, :, None], 1), order[:, None, :], 2)
    inverse = np.linalg.inv(ordered)
    inverse = (inverse + inverse.transpose(0, 2, 1)) / 2
    factor = np.linalg.cholesky(inverse).transpose(0, 2, 1).astype(np.float32)  # upper: inverse = factor' factor
    codes = np.empty_like(rest)
    for index in range(rest.shape[2]):
        codes[:, :, index] = np.clip(np.rint(rest[:, :, index] / scale), -largest_code, largest_code)
        error = (rest[:, :, index] - codes[:, :, index] * scale) / factor[:, index, index, None]
        rest[:, :, index + 1 :] -= error[:, :, None] * factor[:, index, None, index + 1 :]
    unordered = np.empty_like(codes)
    np.put_along_axis(unordered, np.broadcast_to(order[:, None, :], codes.shape), codes, axis=2)
    return unordered
