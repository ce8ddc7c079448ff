"""The EXAFS equation: the textbook's formula by hand, its derivatives, the grouping of paths."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_paths
from xas.made_paths import TRUE, K

from ssbchar.constants import ETOK
from ssbchar.xas.paths import exafs_equation
from ssbchar.xas.paths.exafs_equation import Shell, ShellParameters


def test_chi_of_the_paths_is_the_textbooks(made: xr.Dataset) -> None:
    found = exafs_equation.group_shells(made, (), rmax=3.4, gap=0.25, legs=2)
    assert [(s.label, s.number) for s in found] == [("O 2.10", 6.0), ("Fe 3.00", 12.0)]
    table = exafs_equation.ScatteringPaths(made)
    rows = zip(found, TRUE["numbers"], TRUE["changes"], TRUE["sigma2"], strict=True)
    waves = [
        table.compute_chi(K, shell, ShellParameters(e0=TRUE["e0"], number=n, delta_r=dr, sigma2=s2))
        for shell, n, dr, s2 in rows
    ]
    total = np.sum(waves, axis=0)
    true = made_paths.chi(K, **TRUE)
    use = (K > 2) & (K < 12)
    assert (
        np.abs(total - true)[use].max() < 2e-3 * np.abs(true[use]).max()
    )  # of the splines between FEFF's points


LENGTH, FREE_PATH, PHASE, AMPLITUDE = 2.0, 5.0, 0.7, 0.3


def one_path() -> tuple[exafs_equation.ScatteringPaths, Shell]:
    """A path with a constant amplitude, phase and free path, whose momentum is k."""
    k = np.linspace(0, 20, 41)
    flat = {"amplitude": AMPLITUDE, "phase": PHASE, "free_path": FREE_PATH}
    ds = xr.Dataset({name: (("path", "k"), np.full((1, 41), v)) for name, v in flat.items()})
    ds["momentum"] = (("path", "k"), k[None])
    ds = ds.assign_coords(k=k)
    ds["reff"], ds["degeneracy"] = ("path", [LENGTH]), ("path", [4.0])
    shell = Shell(label="O 2.00", paths=np.array([0]), number=4.0, distance=LENGTH)
    return exafs_equation.ScatteringPaths(ds), shell


@pytest.mark.parametrize("e0", [0.0, 12.0, -7.0])
@pytest.mark.parametrize("delta_r", [0.0, 0.1, -0.05])
@pytest.mark.parametrize("sigma2", [0.0, 0.008])
def test_one_path_by_hand(e0: float, delta_r: float, sigma2: float) -> None:
    """With p = q + i/lambda every term of the exponent is written out in real numbers."""
    table, shell = one_path()
    k = np.linspace(3, 14, 30)
    q = np.sqrt(k**2 - ETOK * e0)
    damping = (
        -2 * LENGTH / FREE_PATH
        - 2 * (q**2 - FREE_PATH**-2) * sigma2
        - 2 * (delta_r - 2 * sigma2 / LENGTH) / FREE_PATH
    )
    angle = (
        2 * q * LENGTH
        + PHASE
        + 2 * q * (delta_r - 2 * sigma2 / LENGTH)
        - 4 * q * sigma2 / FREE_PATH
    )
    expected = 3 * AMPLITUDE / (q * (LENGTH + delta_r) ** 2) * np.exp(damping) * np.sin(angle)
    at = ShellParameters(e0=e0, number=3.0, delta_r=delta_r, sigma2=sigma2)
    assert table.compute_chi(k, shell, at) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_below_the_origin_the_wavenumber_stays_at_its_least() -> None:
    table, shell = one_path()
    at = ShellParameters(e0=5.0, number=4.0, delta_r=0.0, sigma2=0.0)
    q = exafs_equation.SMALLEST_Q
    assert q == 0.05
    size = 4 * AMPLITUDE / (q * LENGTH**2) * np.exp(-2 * LENGTH / FREE_PATH)
    found = table.compute_chi(np.array([0.0, 0.5]), shell, at)
    assert found == pytest.approx(2 * [size * np.sin(2 * q * LENGTH + PHASE)])


@pytest.mark.parametrize("name", ["e0", "number", "delta_r", "sigma2"])
def test_derivatives_are_those_of_chi(made: xr.Dataset, name: str) -> None:
    shell = exafs_equation.group_shells(made, (), rmax=3.4, gap=0.25, legs=2)[1]
    table = exafs_equation.ScatteringPaths(made)
    at = ShellParameters(e0=1.5, number=10.0, delta_r=0.03, sigma2=0.008)
    chi, derivatives = table.differentiate_chi(K[40:], shell, at)
    assert np.array_equal(chi, table.compute_chi(K[40:], shell, at))
    place = ["e0", "number", "delta_r", "sigma2"].index(name)
    step = {"e0": 1e-3, "number": 1e-3, "delta_r": 1e-6, "sigma2": 1e-7}[name]
    up = table.compute_chi(K[40:], shell, replace(at, **{name: getattr(at, name) + step}))
    down = table.compute_chi(K[40:], shell, replace(at, **{name: getattr(at, name) - step}))
    expected = (up - down) / (2 * step)
    assert np.abs(derivatives[place] - expected).max() < 1e-5 * np.abs(expected).max()


def test_chi_is_in_proportion_to_the_number_and_adds_over_paths(made: xr.Dataset) -> None:
    table = exafs_equation.ScatteringPaths(made)
    both = Shell(label="", paths=np.array([0, 1]), number=18.0, distance=2.7)
    each = [
        Shell(label="", paths=np.array([i]), number=n, distance=2.7)
        for i, n in ((0, 6.0), (1, 12.0))
    ]
    at = ShellParameters(e0=1.0, number=18.0, delta_r=0.01, sigma2=0.005)
    total = table.compute_chi(K, each[0], replace(at, number=6.0)) + table.compute_chi(
        K, each[1], replace(at, number=12.0)
    )
    assert np.allclose(table.compute_chi(K, both, at), total)
    assert np.allclose(table.compute_chi(K, both, replace(at, number=9.0)), total / 2)


def test_shells_are_grouped_by_scatterer_and_gap(tmp_path: Path) -> None:
    shells = (
        ("O", 2.0, 2.06),
        ("O", 4.0, 2.20),
        ("P", 1.0, 2.84),
        ("P", 4.0, 3.26),
        ("O", 2.0, 3.30),
    )
    made_paths.write(tmp_path, shells)
    ds = made_paths.read(tmp_path)
    assert [s.label for s in exafs_equation.group_shells(ds, (), rmax=3.6, gap=0.25, legs=2)] == [
        "O 2.15",
        "P 2.84",
        "P 3.26",
        "O 3.30",
    ]
    assert [s.number for s in exafs_equation.group_shells(ds, (), rmax=3.0, gap=0.25, legs=2)] == [
        6.0,
        1.0,
    ]
    assert [
        s.label
        for s in exafs_equation.group_shells(
            ds, ((2.0, 2.3), (2.8, 3.4)), rmax=3.0, gap=0.25, legs=2
        )
    ] == [
        "O 2.15",
        "O+P 3.21",
    ]


def test_limits_of_a_shell_belong_to_it(tmp_path: Path) -> None:
    made_paths.write(tmp_path, (("O", 2.0, 2.0), ("O", 1.0, 2.25), ("O", 3.0, 2.75)))
    ds = made_paths.read(tmp_path)

    def numbers(limits: tuple = (), rmax: float = 4.0, gap: float = 0.3, legs: int = 2) -> list:
        shells = exafs_equation.group_shells(ds, limits, rmax=rmax, gap=gap, legs=legs)
        return [s.number for s in shells]

    assert numbers(((2.0, 2.25), (2.3, 2.7), (2.75, 3.0))) == [3.0, 3.0]
    assert numbers(gap=0.5) == [6.0]
    assert numbers(gap=0.25) == [3.0, 3.0]
    assert numbers(gap=0.2) == [2.0, 1.0, 3.0]
    assert numbers(rmax=2.75) == [3.0]
    assert numbers(legs=1) == []
    (first,) = exafs_equation.group_shells(ds, ((2.0, 2.25),), rmax=4, gap=0.3, legs=2)
    assert first.distance == pytest.approx((2 * 2.0 + 1 * 2.25) / 3) and first.label == "O 2.08"
