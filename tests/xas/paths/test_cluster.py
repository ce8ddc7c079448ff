"""Atoms around an absorber, against crystals whose neighbours are known by hand."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase, Site
from ssbchar.errors import BadInput
from ssbchar.xas.paths import cluster
from ssbchar.xas.paths.cluster import build_clusters

TABLE = Path(__file__).parent.parents[2] / "config/phases/phases.yaml"


def cubic(*sites: Site, a: float = 4.0) -> Phase:
    return triclinic((a, a, a, 90, 90, 90.0), *sites)


def triclinic(cell: tuple[float, ...], *sites: Site) -> Phase:
    return Phase(
        name="made",
        cell=np.array(cell),
        group="P 1",
        rotations=np.eye(3)[None],
        translations=np.zeros((1, 3)),
        sites=sites,
        about={},
    )


def site(element: str, position: tuple[float, float, float], occupancy: float = 1.0) -> Site:
    return Site(element=element, position=position, occupancy=occupancy, b_iso=1.0)


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
        site("Fe", (0, 0, 0), 1.0),
        site("Fe", (0.5, 0.5, 0.5), 0.6),
        site("O", (0.5, 0, 0), 0.3),
    )
    around, said = build_clusters(phase, "Fe", 3.9)
    assert [c.share for c in around] == pytest.approx([1 / 1.6, 0.6 / 1.6])
    assert said == ["O of occupancy 0.3 left out"]
    assert all(set(c.elements) == {"Fe"} for c in around)


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ((), "has no atoms"),
        ((site("O", (0, 0, 0), 1.0),), "has no Fe"),
        (
            (site("Fe", (0, 0, 0), 1.0), site("O", (0.1, 0, 0), 0.5)),
            "atoms 0.40 angstrom apart",
        ),
    ],
)
def test_a_crystal_that_gives_no_cluster_is_refused(sites: tuple[Site, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build_clusters(cubic(*sites), "Fe", 5.0)


@pytest.mark.parametrize(("a", "refused"), [(0.89, True), (0.91, False)])
def test_atoms_nearer_than_nine_tenths_of_an_angstrom_are_refused(a: float, refused: bool) -> None:
    crystal = cubic(site("Fe", (0, 0, 0), 1.0), a=a)
    if refused:
        with pytest.raises(BadInput, match=r"atoms 0\.89 angstrom apart"):
            build_clusters(crystal, "Fe", 2.0)
    else:
        assert build_clusters(crystal, "Fe", 2.0)


def test_of_atoms_on_one_position_the_more_frequent_one_stands_for_both() -> None:
    sites = (
        site("Fe", (0, 0, 0), 1.0),
        site("Ni", (0.5, 0, 0.9999), 0.4),
        site("Mn", (0.5, 0, 0.0004), 0.6),
        site("Li", (0, 0.5, 0), 0.5),
        site("Na", (0, 0, 0.5), 0.49),
    )
    kept, simplified = cluster.choose_occupants(cubic(*sites))
    assert [site.element for site in kept] == ["Fe", "Mn", "Li"]
    assert simplified == [
        "Mn stands for Ni (0.4) on its site",
        "Na of occupancy 0.49 left out",
    ]


def test_positions_a_little_apart_are_two() -> None:
    sites = (site("Fe", (0, 0, 0), 1.0), site("O", (0.0011, 0, 0), 1.0))
    assert len(cluster.choose_occupants(cubic(*sites))[0]) == 2


def test_a_cluster_is_a_sphere_without_its_surface_and_no_larger_than_feff_takes() -> None:
    crystal = cubic(site("Fe", (0, 0, 0), 1.0), a=2.0)
    (around,), _ = build_clusters(crystal, "Fe", 4.0)
    assert len(around.elements) == 27
    (around,), _ = build_clusters(crystal, "Fe", 4.001)
    assert len(around.elements) == 33
    (around,), _ = build_clusters(crystal, "Fe", 12.0)
    assert around.positions.shape == (cluster.MOST_ATOMS, 3)
    distance = np.linalg.norm(around.positions, axis=1)
    assert np.all(np.diff(distance) > -1e-4) and cluster.MOST_ATOMS < 500


def test_a_cluster_of_a_flat_cell_reaches_as_far_along_each_axis() -> None:
    flat = triclinic((2.0, 3.0, 9.0, 90, 90, 60.0), site("Fe", (0.3, 0.2, 0.1)))
    (around,), _ = build_clusters(flat, "Fe", 8.0)
    a, b = np.array([2.0, 0.0]), 3.0 * np.array([0.5, 3**0.5 / 2])
    n = np.arange(-9, 10)
    plane = (n[:, None, None] * a + n[None, :, None] * b).reshape(-1, 2)
    assert len(around.elements) == int((np.linalg.norm(plane, axis=1) < 8.0).sum())


@pytest.mark.parametrize(("apart", "kept"), [(0.0624, 1), (0.0625, 2), (-0.0625, 2), (0.9376, 1)])
def test_sites_nearer_than_the_limit_share_a_position_across_the_cell(
    monkeypatch: pytest.MonkeyPatch, apart: float, kept: int
) -> None:
    monkeypatch.setattr(cluster, "SAME_PLACE", 0.0625)
    sites = (site("Fe", (0, 0, 0), 0.6), site("Ni", (0, apart, 0), 0.5))
    assert len(cluster.choose_occupants(cubic(*sites))[0]) == kept
