"""Elements and edges are known by their names, in any case."""

import pytest

from ssbchar.xas import edge_tables, elements
from ssbchar.xas.paths.feff_input import HOLES


@pytest.mark.parametrize(
    ("given", "symbol"), [("", ""), ("Fe", "Fe"), ("co", "Co"), (" GE ", "Ge"), ("h", "H")]
)
def test_a_symbol_takes_its_usual_spelling(given: str, symbol: str) -> None:
    assert elements.check_element(given) == symbol


@pytest.mark.parametrize("given", ["Iron", "Xx", "26", "Np"])
def test_what_is_no_element_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=f"'{given}' is no symbol of an element; give one from H"):
        elements.check_element(given)


@pytest.mark.parametrize(("given", "edge"), [("", ""), ("k", "K"), (" l3", "L3"), ("M5", "M5")])
def test_an_edge_takes_its_usual_spelling(given: str, edge: str) -> None:
    assert elements.check_edge(given) == edge


def test_what_is_no_edge_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'L4' is no edge; known are K, L1, L2, L3, M1,"):
        elements.check_edge("L4")


def test_all_tables_speak_of_known_elements_and_edges() -> None:
    for table in edge_tables.CONVENTIONS.values():
        for element, edge in table:
            assert (elements.check_element(element), elements.check_edge(edge)) == (element, edge)
    for edge, words in edge_tables.CORE_WIDTHS.items():
        assert edge in elements.EDGES and set(words.split()[::2]) <= set(elements.ELEMENTS)
    assert set(HOLES) <= set(elements.EDGES)


@pytest.mark.parametrize(("number", "symbol"), [(1, "H"), (26, "Fe"), (32, "Ge"), (92, "U")])
def test_symbols_stand_by_atomic_number(number: int, symbol: str) -> None:
    assert elements.ELEMENTS[number - 1] == symbol
