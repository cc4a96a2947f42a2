"""The example's inversion gives back emission measures that were folded through the instrument's responses."""

import sys
from itertools import pairwise

import numpy as np
import pytest

CHANNELS = [94, 131, 171, 193, 211, 335]
DN_PER_PHOTON = np.array([1.975, 1.473, 1.122, 0.962, 0.880, 0.576])
EDGES = np.arange(5.6, 7.25, 0.1)


@pytest.fixture(scope="module")
def example(root):
    sys.path.insert(0, str(root / "examples" / "dem" / "scripts"))
    try:
        import invert_counts

        yield invert_counts
    finally:
        sys.path.pop(0)


def folded(example, *peaks):
    """Counts of a hundred pixels, noise included, with its size; and what went in, cm-5 by bin of temperature."""
    logt, responses = example.responses(CHANNELS)
    dem = sum(height * np.exp(-((logt - place) ** 2) / (2 * width**2)) for height, place, width in peaks)
    counts = np.trapezoid(dem[:, None] * responses, 10**logt, axis=0)
    sigma = np.sqrt(2 * counts * DN_PER_PHOTON + 1.2**2) / 2 / 4  # two seconds, means of 4 x 4 pixels
    noisy = counts + np.random.default_rng(0).normal(size=(100, 6)) * sigma
    inside = [np.linspace(low, high, 40) for low, high in pairwise(EDGES)]
    truth = np.array([np.trapezoid(np.interp(at, logt, dem), 10**at) for at in inside])
    return noisy, np.hypot(sigma, 0.1 * noisy), truth


@pytest.mark.parametrize(
    ("peaks", "total", "held"),
    [
        ([(4e21, 6.1, 0.15), (1e21, 6.9, 0.15)], (0.90, 1.0), 0.85),
        ([(6e21, 6.2, 0.2)], (0.85, 1.0), 0.80),
        ([(6e21, 6.4, 0.2)], (0.75, 0.9), 0.50),
        ([(6e21, 6.6, 0.2)], (0.75, 0.9), 0.50),
    ],
)
def test_a_known_emission_measure_comes_back_within_the_bias_that_the_readme_states(example, peaks, total, held):
    counts, sigma, truth = folded(example, *peaks)
    found = example.invert(counts, sigma, CHANNELS, EDGES)
    solved = np.isfinite(found["emission_measure"]).all(axis=1)
    assert solved.mean() > 0.75
    made, error = found["emission_measure"][solved], found["uncertainty"][solved]
    assert total[0] < np.median(made.sum(axis=1)) / truth.sum() < total[1]
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    means = [(each * middles).sum(axis=-1) / each.sum(axis=-1) for each in (made, truth)]
    assert abs(np.median(means[0] - means[1])) < 0.03
    strong = truth > 0.1 * truth.max()
    assert np.mean(np.abs(made - truth)[:, strong] < 2 * error[:, strong]) > held


def test_what_cannot_be_inverted_is_nan_and_stops_nobody_else(example):
    counts, sigma, _ = folded(example, (6e21, 6.2, 0.2))
    counts[0, 2], counts[1, 0], sigma[2, 3] = np.nan, -0.3, np.nan
    hot, hot_sigma, _ = folded(example, (2e21, 6.9, 0.2))
    found = example.invert(np.vstack([counts, hot[:3]]), np.vstack([sigma, hot_sigma[:3]]), CHANNELS, EDGES)
    missing = np.isnan(found["emission_measure"]).all(axis=1)
    assert {0, 1, 2, 100, 101, 102} <= set(np.flatnonzero(missing))
    assert missing.sum() < 20
    assert np.flatnonzero(np.isnan(found["chi_squared"])).tolist() == [0, 1, 2]
    assert (found["chi_squared"][100:] > 3).all()
