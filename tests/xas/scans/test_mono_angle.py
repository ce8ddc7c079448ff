"""Energies from the angle of a crystal, against Bragg's law by hand."""

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.mono_angle import energy_from_angle, spacing_from_text

SI_111 = 5.431020511 / np.sqrt(3)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Si 111", SI_111),
        ("Si(111)", SI_111),
        ("silicon 3 1 1", 5.431020511 / np.sqrt(11)),
        ("Ge-220", 5.6579 / np.sqrt(8)),
        ("D = 3.13551 A", 3.13551),
        ("0.51", 0.51),
        ("9.9", 9.9),
        ("Si 000", None),
        ("0.49", None),
        ("10.1", None),
        ("3", None),
        ("", None),
    ],
)
def test_spacings_of_lattice_planes(text: str, right: float | None) -> None:
    assert spacing_from_text(text) == (None if right is None else pytest.approx(right))


def raw(angle: np.ndarray, name: str = "angle", **header: str) -> RawScan:
    return RawScan(where="a.dat", columns={name: angle}, header=header)


@pytest.mark.parametrize(
    ("name", "per_degree"),
    [
        ("angle", 1.0),
        ("angle (mdeg)", 1000.0),
        ("angle (rad)", np.pi / 180),
        ("angle (mrad)", 1000 * np.pi / 180),
    ],
)
def test_the_iron_edge_on_silicon(name: str, per_degree: float) -> None:
    """7112 eV, 1.7433 angstrom: sin(theta) = 0.27799."""
    theta = np.degrees(np.arcsin(12.398419843320026 / 7.112 / (2 * SI_111)))
    assert theta == pytest.approx(16.14, abs=0.01)
    found = energy_from_angle(raw(np.array([theta, 30.0]) * per_degree, name), name, "Si 111")
    np.testing.assert_allclose(found, [7112.0, 12398.419843320026 / SI_111])


def test_the_crystal_of_the_header_and_the_one_that_is_given() -> None:
    one = raw(np.array([30.0]), mono="Si 111", d_spacing="2.0")
    assert energy_from_angle(one, "angle", "")[0] == pytest.approx(6199.2099)
    assert energy_from_angle(one, "angle", "4.0")[0] == pytest.approx(3099.605)
    with pytest.raises(BadInput, match="its crystal is not stated"):
        energy_from_angle(raw(np.array([30.0])), "angle", "")


@pytest.mark.parametrize("angle", [0.0, -1.0, 90.1, np.nan])
def test_angles_of_no_crystal(angle: float) -> None:
    with pytest.raises(BadInput, match="not between 0 and 90 degrees"):
        energy_from_angle(raw(np.array([30.0, angle])), "angle", "Si 111")
