"""Tabulated edges and widths: known elements, nearest edges, what is not listed."""

import itertools

import pytest

from ssbchar.xas import edge_tables


def test_known_edges() -> None:
    assert edge_tables.BEARDEN["Fe", "K"] == 7112.0
    assert edge_tables.BEARDEN["Ge", "K"] == 11103.1
    assert edge_tables.BEARDEN["Au", "L3"] == 11918.7
    assert edge_tables.KRAFT == {("Fe", "K"): 7110.75}
    assert edge_tables.CONVENTIONS == {"bearden": edge_tables.BEARDEN, "kraft": edge_tables.KRAFT}


def test_k_edges_rise_with_the_element() -> None:
    """Moseley's law: the square root of the energy is nearly linear in Z."""
    metals = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br")
    roots = [edge_tables.BEARDEN[m, "K"] ** 0.5 for m in metals]
    steps = [b - a for a, b in itertools.pairwise(roots)]
    assert max(steps) - min(steps) < 0.3


def test_the_nearest_edge_within_the_tolerance() -> None:
    assert edge_tables.find_nearest_edge(7100.0) == ("Fe", "K")
    assert edge_tables.find_nearest_edge(7112.0 + 60.0) == ("Fe", "K")
    assert edge_tables.find_nearest_edge(7112.0 + 60.1) is None
    assert edge_tables.find_nearest_edge(7112.0 - 10.0, 9.9) is None
    assert edge_tables.find_nearest_edge(7126.0) == ("Fe", "K"), "not Nd L1"
    assert edge_tables.find_nearest_edge(7120.0, 8.0) == ("Fe", "K")


@pytest.mark.parametrize(
    ("element", "edge", "width"),
    [("Fe", "K", 1.25), ("Ge", "K", 1.96), ("I", "K", 10.6), ("Au", "L3", 5.41), ("Fe", "L3", 0.0)],
)
def test_known_widths(element: str, edge: str, width: float) -> None:
    assert edge_tables.look_up_core_width(element, edge) == width


def test_an_unlisted_edge_has_no_width() -> None:
    assert edge_tables.look_up_core_width("Fe", "M5") == 0.0
