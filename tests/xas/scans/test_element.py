"""Whose edge a scan is of: La L3 (5483 eV) lies beside V K (5465 eV), its L2 edge at 5891 eV
proves it."""

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans.element import identify_edge
from ssbchar.xas.scans.scan import Mode, Scan

AT = 5484.0


def scan(partner: float, noise: float = 1e-4, stop: float = 6100.0, step: float = 1.0) -> Scan:
    """An edge of this height, and one of a share of it where La L2 would be."""
    energy = np.arange(5300.0, stop, 2.0)
    place = 5891.0 + AT - 5483.0
    mu = step * ((energy > AT) + partner * (energy > place))
    mu = mu + noise * (-1.0) ** np.arange(energy.size)
    nothing = np.full(energy.size, np.nan)
    return Scan(
        where="a.dat",
        energy=energy,
        mu=mu,
        mu_stderr=nothing,
        i0=nothing,
        mu_foil=nothing,
        total=nothing,
        element="",
        edge="",
        mode=Mode.MU,
    )


@pytest.mark.parametrize(
    ("partner", "found"),
    [(0.16, ("La", "L3")), (0.14, ("V", "K")), (0.0, ("V", "K")), (0.5, ("La", "L3"))],
)
def test_the_l2_edge_has_its_share_of_the_l3_edge(partner: float, found: tuple[str, str]) -> None:
    assert identify_edge(scan(partner), AT, 60.0) == found


def test_noise_that_hides_the_second_edge_leaves_both() -> None:
    with pytest.raises(BadInput, match=r"may be La L3 \(5483 eV\) or V K \(5465.1 eV\)"):
        identify_edge(scan(0.16, noise=0.2), AT, 60.0)


@pytest.mark.parametrize(("stop", "is_told"), [(5938.0, False), (5946.0, True)])
def test_a_scan_reaches_fifty_ev_beyond_the_second_edge(stop: float, is_told: bool) -> None:
    if is_told:
        assert identify_edge(scan(0.5, stop=stop), AT, 60.0) == ("La", "L3")
    else:
        with pytest.raises(BadInput, match="may be"):
            identify_edge(scan(0.5, stop=stop), AT, 60.0)


def test_an_edge_that_falls_tells_nothing() -> None:
    with pytest.raises(BadInput, match="may be"):
        identify_edge(scan(0.5, step=-1.0), AT, 60.0)


def test_one_edge_alone_and_none() -> None:
    assert identify_edge(scan(0.0), 7112.0, 60.0) == ("Fe", "K")
    with pytest.raises(BadInput, match=r"no tabulated edge near 7300 eV; next is Gd L3"):
        identify_edge(scan(0.0), 7300.0, 60.0)
    with pytest.raises(BadInput, match="no tabulated edge near 7300 eV"):
        identify_edge(scan(0.0), 7300.0, 1.0)
