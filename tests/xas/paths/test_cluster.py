"""Atoms around an absorber, against crystals whose neighbours are known by hand."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase, Site
from ssbchar.errors import BadInput
from ssbchar.xas.paths import feff
from ssbchar.xas.paths.cluster import build_clusters
from ssbchar.xas.paths.options import Feff

TABLE = Path(__file__).parent.parents[2] / "config/phases/phases.yaml"


def cubic(*sites: Site, a: float = 4.0) -> Phase:
    return Phase(
        "made",
        np.array([a, a, a, 90, 90, 90.0]),
        "P 1",
        np.eye(3)[None],
        np.zeros((1, 3)),
        sites,
        {},
    )


def test_rocksalt_by_hand() -> None:
    around, said = build_clusters(
        reflections.read_phase(TABLE, "NiO", reflections.ReflectionListing()), "Ni", 3.7
    )
    assert not said and len(around) == 1 and around[0].share == 1
    distance = np.linalg.norm(around[0].positions, axis=1)
    a = 4.1771
    assert around[0].elements == ("Ni", *6 * ("O",), *12 * ("Ni",), *8 * ("O",))
    assert distance == pytest.approx([0, *6 * [a / 2], *12 * [a / 2**0.5], *8 * [a * 3**0.5 / 2]])


def test_an_oblique_cell_keeps_its_distances() -> None:
    """LAGP, hexagonal axes: six oxygens near 1.865 angstrom, six phosphorus at 3.17 to 3.31."""
    around, said = build_clusters(
        reflections.read_phase(TABLE, "LAGP", reflections.ReflectionListing()), "Ge", 3.4
    )
    kinds = {
        k: np.sort(np.linalg.norm(around[0].positions[np.array(around[0].elements) == k], axis=1))
        for k in "OP"
    }
    assert kinds["O"].size == 6 and kinds["O"] == pytest.approx(1.865, abs=0.03)
    assert kinds["P"] == pytest.approx([*3 * [3.176], *3 * [3.309]], abs=0.002)
    assert said == ["Ge stands for Al (0.25) on its site"]


def test_two_sites_of_the_absorber_share_by_their_atoms() -> None:
    phase = cubic(
        Site("Fe", (0, 0, 0), 1.0, 1.0),
        Site("Fe", (0.5, 0.5, 0.5), 0.6, 1.0),
        Site("O", (0.5, 0, 0), 0.3, 1.0),
    )
    around, said = build_clusters(phase, "Fe", 3.9)
    assert [c.share for c in around] == pytest.approx([1 / 1.6, 0.6 / 1.6])
    assert said == ["O of occupancy 0.3 left out"]
    assert all(set(c.elements) == {"Fe"} for c in around)


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ((), "has no atoms"),
        ((Site("O", (0, 0, 0), 1.0, 1.0),), "has no Fe"),
        (
            (Site("Fe", (0, 0, 0), 1.0, 1.0), Site("O", (0.1, 0, 0), 0.5, 1.0)),
            "atoms 0.40 angstrom apart",
        ),
    ],
)
def test_a_crystal_that_gives_no_cluster_is_refused(sites: tuple[Site, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build_clusters(cubic(*sites), "Fe", 5.0)


def test_the_input_of_feff() -> None:
    around = build_clusters(
        reflections.read_phase(TABLE, "NiO", reflections.ReflectionListing()), "Ni", 3.0
    )[0][0]
    lines = feff.format_feff_input(around, "K", Feff(rmax=4.5, legs=2), "NiO").splitlines()
    assert "HOLE 1 1.0" in lines and "RMAX 4.5" in lines and "NLEG 2" in lines
    potentials = lines[lines.index("POTENTIALS") + 1 : lines.index("ATOMS")]
    assert [p.split() for p in potentials] == [
        ["0", "28", "Ni"],
        ["1", "8", "O"],
        ["2", "28", "Ni"],
    ]
    atoms = [line.split() for line in lines[lines.index("ATOMS") + 1 : -1]]
    assert len(atoms) == 19 and atoms[0][3:] == ["0", "Ni"] and atoms[1][3:] == ["1", "O"]
    with pytest.raises(BadInput, match="no edge M5"):
        feff.format_feff_input(around, "M5", Feff(), "NiO")


def test_a_configured_program_that_is_not_there_is_told() -> None:
    with pytest.raises(BadInput, match="FEFF is not there"):
        feff.find_executable(Feff(program="nowhere/feff"))


def test_feff_that_writes_nothing_is_told(tmp_path: Path) -> None:
    program = tmp_path / "feff"
    program.write_text("#!/bin/sh\necho something is wrong\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(BadInput, match="something is wrong"):
        feff.run_feff(program, "TITLE made\nEND\n")
