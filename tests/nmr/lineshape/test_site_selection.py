"""Sites with satellites: found where they are, not asked for where plain lines do."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.lineshape import site_selection
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions

ALLOY, SALT = (0.6, 15.0, 1800.0, 45e3, 0.4), (0.2, -1.0, 700.0, 90e3, 0.1)
"""Share, shift [ppm], width [Hz], C_Q [Hz], eta."""
METAL = 0.2


def draw_site(share: float, ppm: float, width: float, coupling: float, eta: float) -> np.ndarray:
    """A site by plain sums over directions, transitions 3 : 4 : 3."""
    time = np.arange(900) * 1e-6
    node, weight = np.polynomial.legendre.leggauss(160)
    u, part = (node + 1) / 2, weight / 2
    phi = (np.arange(40) + 0.5) * np.pi / 80
    q = (3 * u[:, None] ** 2 - 1 + eta * (1 - u[:, None] ** 2) * np.cos(2 * phi)) * coupling / 4
    weights = np.repeat(part / phi.size, phi.size)
    outer = np.concatenate(
        [
            weights @ np.cos(2 * np.pi * q.reshape(-1, 1) * time[i : i + 90])
            for i in range(0, 900, 90)
        ]
    )
    line = signals.signal((share,), (ppm,), (width,), points=900)
    return line * (0.4 + 0.6 * outer)


@pytest.fixture(scope="module")
def found():
    """A fit of metal and two sites."""
    metal = signals.signal((METAL,), (265.0,), (900.0,), points=900)
    clean = metal + draw_site(*ALLOY) + draw_site(*SALT)
    return fit_lines(
        signals.dataset(signals.noisy(clean, 2e-3, 3)),
        LineFitOptions(shapes=("lorentz", "voigt", "powder")),
    )


def test_both_sites_are_found_with_their_couplings(found) -> None:
    assert found["shape"].values.tolist() == ["lorentz", "powder", "powder"]
    assert found["verdict"].values[0] == "ok"
    for place, (share, ppm, width, coupling, eta) in ((1, ALLOY), (2, SALT)):
        stated = {
            "area": share,
            "shift": ppm,
            "fwhm_lorentz": width,
            "coupling": coupling,
            "asymmetry": eta,
            "satellites": 1.0,
        }
        for name, value in stated.items():
            of_line = found[name].isel(component=place)
            error = found[f"{name}_stderr"].isel(component=place)
            off = float((of_line if name != "area" else of_line[0]) - value)
            assert abs(off) < 4 * float(error if name != "area" else error[0]), name


def test_the_share_is_right_within_its_error(found) -> None:
    area, stderr = found["region_area"].values[0], found["region_area_stderr"].values[0]
    assert abs(area[0] / area.sum() - METAL) < 4 * stderr[0]
    assert stderr[0] < 0.01
    assert float(found["hidden_gain"]) < float(found["hidden_penalty"])


def test_without_being_named_satellites_are_an_alternative() -> None:
    """The lines stay plain, and what the other model says is an error of their share."""
    metal = signals.signal((METAL,), (265.0,), (900.0,), points=900)
    clean = metal + draw_site(*ALLOY) + draw_site(*SALT)
    fit = fit_lines(signals.dataset(signals.noisy(clean, 2e-3, 3)), LineFitOptions())
    assert "powder" not in fit["shape"].values.tolist()
    area, stderr = fit["region_area"].values[0], fit["region_area_stderr"].values[0]
    spread = float(fit["model_spread"].values[0])
    assert fit.attrs["satellite_models"] == 1 and spread > 0
    assert abs(area[0] / area.sum() - METAL) < 3 * np.hypot(stderr[0] / area.sum(), spread)


def test_without_patterns_the_same_decay_is_a_misfit_or_hides_one() -> None:
    clean = draw_site(*ALLOY) + signals.signal((METAL,), (265.0,), (900.0,), points=900)
    plain = LineFitOptions(shapes=("lorentz", "voigt"))
    fit = fit_lines(signals.dataset(signals.noisy(clean, 2e-3, 3)), plain)
    assert set(fit["shape"].values) <= {"lorentz", "voigt"}
    assert np.isnan(fit["coupling"].values).all()


def test_plain_lines_are_not_asked_for_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("sites were looked for")

    monkeypatch.setattr(site_selection, "_grow_sites", refuse)
    clean = signals.signal((0.1, 0.9), (265.0, 10.0), (900.0, 3000.0), points=2048)
    fit = fit_lines(
        signals.dataset(signals.noisy(clean, 2e-3, 1)),
        LineFitOptions(shapes=("lorentz", "voigt", "powder")),
    )
    assert fit["shape"].values.tolist() == ["lorentz", "lorentz"]
    assert fit.attrs["satellite_models"] == 0
