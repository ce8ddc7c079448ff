"""Powder averages against exact diagonalisation and mrsimulator, transition by transition."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.nmr.powder import average
from ssbchar.nmr.powder.average import PowderSite

ORACLE = Path(__file__).with_name("mrsimulator_spectra.npz")
"""Of `make_mrsimulator_spectra.py`."""
STEP = 1e-6
M = np.array([1.5, 0.5, -0.5, -1.5])
UP = np.diag(np.sqrt(3.75 - M[1:] * (M[1:] + 1)), 1)
SPIN = [(UP + UP.T) / 2 + 0j, (UP - UP.T) / 2j, np.diag(M).astype(complex)]


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_frequencies_to_second_order_are_those_of_the_hamiltonian(eta: float) -> None:
    coupling, larmor = 1e6, 100e6
    field = np.array([0.3, -0.5, 0.8])
    field /= np.linalg.norm(field)
    first, second = average._build_transverse(field[None])
    turn = np.stack([first[0], second[0], field])
    tensor = turn @ np.diag([-(1 + eta) / 2, -(1 - eta) / 2, 1.0]) @ turn.T
    quadrupolar = sum(tensor[i, j] * SPIN[i] @ SPIN[j] for i in range(3) for j in range(3))
    level = np.linalg.eigvalsh(-larmor * SPIN[2] + coupling / 6 * quadrupolar)
    exact = np.sort(np.diff(level) - larmor)
    site = PowderSite(coupling=coupling, asymmetry=eta, larmor=larmor)
    found = average._compute_frequencies(site, field[None])[:, 0]
    # What is left is of third order, C_Q^3 / nu_L^2 = 100 Hz.
    assert np.sort(found) == pytest.approx(exact, abs=10.0)
    without = average._compute_frequencies(
        PowderSite(coupling=coupling, asymmetry=eta), field[None]
    )
    assert np.abs(np.sort(without[:, 0]) - exact).max() > 100.0


def draw(site: PowderSite, rate: float, frequency: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Broadened spectra of the three transitions, each of area one."""
    # Sidebands live as long as their width lets them; static patterns have died before.
    time = STEP * np.arange(4900 if rate else 3000)
    if rate:
        decays = average.average_spinning_powder(site, rate, time)
    else:
        decays = average.average_static_powder(site, time)
    lorentz, gauss = widths
    broad = -np.pi * lorentz * time - (np.pi * gauss * time) ** 2 / (4 * np.log(2))
    decays = decays * np.exp(broad)
    decays[:, 0] /= 2
    # 200 Hz from point to point.
    spectra = 2 * STEP * np.fft.fft(decays, 5000, axis=1).real
    return spectra[:, np.round(frequency / 200).astype(int) % 5000]


@pytest.mark.parametrize("number", range(10))
def test_spectra_are_mrsimulators_within_a_thousandth(number: int) -> None:
    with np.load(ORACLE) as oracle:
        coupling, eta, zeta, eta_s, alpha, beta, gamma, rate, larmor = oracle["parameters"][number]
        stored = [oracle[f"set{number}_transition{k}"].astype(float) for k in range(3)]
        frequency, widths = oracle["frequency"], oracle["broadening"]
    site = PowderSite(
        coupling=coupling,
        asymmetry=eta,
        # It states the anisotropy of the shielding, which lowers the frequency.
        anisotropy=-zeta * larmor * 1e-6,
        shift_asymmetry=eta_s,
        angles=(alpha, beta, gamma),
        larmor=larmor,
    )
    found = draw(site, rate, frequency, widths)
    for curve, expected in zip(found, stored, strict=True):
        assert np.abs(curve - expected).max() < 1e-3 * expected.max()


def test_transitions_weigh_three_four_three() -> None:
    decays = np.array([[1.0, 0.0, 0.0]] * 3, complex)
    decays[0, 1], decays[1, 2] = 1.0, 1.0
    assert average.weigh_transitions(decays).real == pytest.approx([1.0, 0.4, 0.3])
    assert average.weigh_transitions(decays, 0.5).real == pytest.approx([1.0, 4 / 7, 1.5 / 7])


def test_a_grid_of_frequencies_gives_the_sum_at_every_time() -> None:
    rng = np.random.default_rng(0)
    nu, weight = rng.uniform(-9e4, 9e4, 50), rng.normal(size=(2, 50))
    for start in (0.0, 3.3e-6, -2e-6):
        time = start + 2e-6 * np.arange(300)
        exact = weight @ np.exp(2j * np.pi * nu[:, None] * time)
        found = average.transform_directions(nu, weight, time)
        assert np.abs(found - exact).max() < 2e-4 * np.abs(weight).sum()
    # The spectrum may be broader than the decay's sampling shows.
    slow = 2e-5 * np.arange(64)
    exact = weight @ np.exp(2j * np.pi * nu[:, None] * slow)
    assert np.abs(average.transform_directions(nu, weight, slow) - exact).max() < 1e-3 * 50


def test_frequencies_of_a_pattern_have_its_moments() -> None:
    """Second moment of both satellites: (C_Q / 2)^2 (1 + eta^2 / 3) / 5."""
    site = PowderSite(coupling=40e3, asymmetry=0.6)
    nu, weight = average.list_frequencies(site, 1.0)
    assert weight.sum() == pytest.approx(1.0)
    assert weight @ nu == pytest.approx(0.0, abs=1.0)
    expected = 0.6 * (20e3) ** 2 * (1 + 0.6**2 / 3) / 5
    assert weight @ nu**2 == pytest.approx(expected, rel=1e-3)


def test_satellites_of_a_czjzek_distribution_are_gaussian() -> None:
    """Tensors of five Gaussian components, sampled, in a fixed field."""
    rng, sigma = np.random.default_rng(2), 10e3
    along = 2 * sigma * rng.normal(size=200000)
    time = np.array([5e-6, 1e-5, 2e-5])
    sampled = [np.cos(2 * np.pi * along / 2 * t).mean() for t in time]
    width = average.width_from_czjzek(sigma)
    smooth = np.exp(-((np.pi * width * time) ** 2) / (4 * np.log(2)))
    assert smooth == pytest.approx(sampled, abs=5e-3)
