"""Edges in strong noise: an edge that noise moved to another rise has an error that says so."""

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.normalisation.test_normalise import calibrated

from ssbchar.xas.comparison import conclude
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.edge_features import find_half_step, find_inflection
from ssbchar.xas.normalisation import noisy_edges, normalise
from ssbchar.xas.normalisation.options import Normalisation

ENERGY = np.arange(7060.0, 7260.0, 0.4)
SEEDS = 40
DIMS: dict[int, tuple[str, ...]] = {0: (), 1: ("spectrum",), 2: ("spectrum", "energy")}
CURVES = {
    "oxide": made_spectra.mu(ENERGY, made_spectra.Truth()) - 0.5,
    # Two rises that are nearly as steep, and a half step on the shoulder between them.
    "metal": (made_spectra.foil(ENERGY) - 0.4) / 1.2,
}


def measure(norm: np.ndarray, noise: float) -> dict[str, tuple[float, float]]:
    """Return half step and inflection with their errors, as a file of one spectrum holds them."""
    half = find_half_step(ENERGY, norm[None])
    inflection = find_inflection(ENERGY, norm[None])
    values = {
        "energy": ENERGY,
        "e0": 7115.0,
        "edge_step": np.ones(1),
        "norm": norm[None],
        "flat": norm[None],
        "mu_stderr": np.full((1, ENERGY.size), noise),
        "e0_half": half.energy,
        "e0_half_stderr": noise * np.linalg.norm(half.rows, axis=1) / half.slope,
        "e0_derivative": inflection[0],
        "e0_derivative_stderr": inflection[1],
        "white_line": np.ones(1),
        "white_line_stderr": np.full(1, noise),
    }

    ds = xr.Dataset({n: (DIMS[np.ndim(v)], v) for n, v in values.items() if n != "energy"})
    noisy_edges.widen_by_copies(ds.assign_coords(energy=ENERGY))
    return {
        n: (float(ds[n].values[0]), float(ds[f"{n}_stderr"].values[0]))
        for n in ("e0_half", "e0_derivative")
    }


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_errors_in_noise_cover_where_the_edge_is(
    curve: str, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noisy_edges, "COPIES", 16)
    true = {n: v for n, (v, _) in measure(CURVES[curve], 1e-6).items()}
    off = []
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        found = measure(CURVES[curve] + noise * random.standard_normal(ENERGY.size), noise)
        off += [abs(found[n][0] - true[n]) / found[n][1] for n in found if found[n][1] > 0]
    assert len(off) > 0.9 * 2 * SEEDS
    assert np.mean(np.array(off) < 3) >= 0.97
    assert max(off) < 6


def test_clean_spectra_keep_their_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    done = normalise.normalise_spectra(calibrated(2), Normalisation())
    monkeypatch.setattr(normalise, "widen_by_copies", lambda _: None)
    before = normalise.normalise_spectra(calibrated(2), Normalisation())
    for name in ("e0_half", "e0_derivative", "white_line"):
        assert np.array_equal(done[f"{name}_stderr"], before[f"{name}_stderr"])


def test_an_inflection_that_noise_hides_is_inconclusive() -> None:
    ds = normalise.normalise_spectra(calibrated(1), Normalisation())
    ds.attrs |= {"alignment": "foil", "alignment_error": 0.01}
    ds["e0_derivative_stderr"][-1] = 3.0
    rows = {row.method: row for row in conclude.conclude_measurement(ds, None, None, Comparison())}
    assert rows["inflection"].verdict == "inconclusive"
    assert "does not stand out of its noise" in rows["inflection"].reason
    assert rows["half step"].verdict == "ok"
