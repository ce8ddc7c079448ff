"""The input of FEFF 6 and FEFF10."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ssbchar.crystal import reflections
from ssbchar.errors import BadInput
from ssbchar.xas.paths.cluster import Cluster, build_clusters
from ssbchar.xas.paths.feff_input import format_feff_input, format_feff_ten_input
from ssbchar.xas.paths.options import Feff

TABLE = Path(__file__).parent.parents[2] / "config/phases/phases.yaml"
CARDS = {
    format_feff_input: ("HOLE 1 1.0", "RMAX 4.5", "NLEG 2", "PRINT 0 0 0 3"),
    format_feff_ten_input: ("EDGE K", "RPATH 4.5", "NLEG 2", "PRINT 0 0 0 0 0 3"),
}
Formatter = Callable[[Cluster, str, Feff, str], str]


@pytest.mark.parametrize("form", CARDS)
def test_the_input_of_feff(form: Formatter) -> None:
    around = build_clusters(
        reflections.read_phase(TABLE, "NiO", reflections.ReflectionListing()), "Ni", 3.0
    )[0][0]
    lines = form(around, "K", Feff(rmax=4.5, legs=2), "NiO").splitlines()
    assert set(CARDS[form]) <= set(lines)
    potentials = lines[lines.index("POTENTIALS") + 1 : lines.index("ATOMS")]
    assert [p.split() for p in potentials] == [
        ["0", "28", "Ni"],
        ["1", "8", "O"],
        ["2", "28", "Ni"],
    ]
    atoms = [line.split() for line in lines[lines.index("ATOMS") + 1 : -1]]
    assert len(atoms) == 19 and atoms[0][3:] == ["0", "Ni"] and atoms[1][3:] == ["1", "O"]
    with pytest.raises(BadInput, match="an edge M5"):
        form(around, "M5", Feff(), "NiO")


@pytest.mark.parametrize(("edge", "hole"), [("K", 1), ("L1", 2), ("L2", 3), ("L3", 4)])
def test_the_core_hole_of_an_edge(edge: str, hole: int) -> None:
    cluster = Cluster(
        share=1.0,
        elements=("U", "D", "Ge"),
        positions=np.array([[0, 0, 0], [1.5, 0, 0], [0, 2, 0]]),
    )
    six = format_feff_input(cluster, edge, Feff(), "made")
    ten = format_feff_ten_input(cluster, edge, Feff(), "made")
    assert f"HOLE {hole} 1.0" in six and f"EDGE {edge}" in ten.splitlines()
    for text in (six, ten):
        lines = text.splitlines()
        at = lines.index("POTENTIALS") + 1
        assert [line.split()[1] for line in lines[at : at + 3]] == ["92", "1", "32"]
