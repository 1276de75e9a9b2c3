"""Weights in int8: the layer's output must change less than by rounding each weight to the nearest code."""

import numpy as np
import pytest
from numpy.typing import NDArray

from triptych_ops.export.rounding import Moments, Rounded, round_weights

_LARGEST_CODE = 127


def _moments(x: NDArray[np.float64], z: NDArray[np.float64]) -> Moments:  # each (G, rows, K)
    rows = x.shape[1]
    means = x.mean(axis=1), z.mean(axis=1)
    centred = z - means[1][:, None]
    covariance = centred.transpose(0, 2, 1) @ centred / rows
    difference = (x - z - (means[0] - means[1])[:, None]).transpose(0, 2, 1) @ centred / rows
    return Moments(*means, covariance, difference)


def _output_error(
    weights: NDArray[np.float64], rounded: Rounded, x: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.float64]:  # (G, rows, O)
    ours = z @ (rounded.codes * rounded.scale[..., None]).transpose(0, 2, 1) + rounded.shift[:, None]
    return np.asarray(ours - x @ weights.transpose(0, 2, 1))


def _nearest(weights: NDArray[np.float64], moments: Moments) -> Rounded:
    unknown = Moments(moments.mean, moments.quantised_mean, None, None)
    return round_weights(weights, unknown, largest_code=_LARGEST_CODE, least_scale=np.zeros(weights.shape[:2]))


@pytest.mark.parametrize(("groups", "outputs", "inputs"), [(1, 16, 48), (24, 1, 9)])
def test_the_output_changes_less_than_by_rounding_to_nearest(groups: int, outputs: int, inputs: int) -> None:
    random = np.random.default_rng(0)
    weights = random.normal(size=(groups, outputs, inputs))
    # As after ReLU, and neighbours alike: what makes errors of weights add up.
    x = np.maximum(random.normal(size=(groups, 2000, 1)) + 0.5 * random.normal(size=(groups, 2000, inputs)), 0)
    moments = _moments(x, x)
    rounded = round_weights(weights, moments, largest_code=_LARGEST_CODE, least_scale=np.zeros((groups, outputs)))
    assert np.abs(rounded.codes).max() <= _LARGEST_CODE
    assert np.array_equal(rounded.codes, np.rint(rounded.codes))
    ours, nearest = (
        np.square(_output_error(weights, each, x, x)).mean() for each in (rounded, _nearest(weights, moments))
    )
    assert ours < 0.8 * nearest


def test_the_bias_takes_up_the_mean_error() -> None:
    random = np.random.default_rng(0)
    weights, x = random.normal(size=(1, 8, 9)), random.uniform(0, 6, size=(1, 500, 9))
    z = np.floor(x)
    rounded = _nearest(weights, _moments(x, z))
    assert np.abs(_output_error(weights, rounded, x, z).mean(axis=1)).max() < 1e-5
    assert np.abs(rounded.shift).max() > 0.1  # so there was one


def test_no_scale_is_below_the_least() -> None:
    weights, x = np.zeros((1, 2, 3)), np.ones((1, 10, 3))
    least = np.array([[0.25, 0.5]])
    rounded = round_weights(weights, _moments(x, x), largest_code=_LARGEST_CODE, least_scale=least)
    assert rounded.scale.tolist() == least.tolist()
    assert not rounded.codes.any()
