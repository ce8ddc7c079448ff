"""Components at a bound of the fit are no lines."""

import numpy as np

from ssbchar.nmr.lineshape.line_status import find_line_status
from ssbchar.nmr.lineshape.shapes import make_empty_shapes


def status(**changes: float) -> str:
    given = {"nu": 0.0, "width": 1e3, "low": -5e3, "high": 5e3, "region": 0}
    gauss = changes.pop("gauss", 0.0)
    shapes = make_empty_shapes().add_line(**(given | changes))
    shapes.gauss2[0] = gauss**2
    (found,) = find_line_status(shapes, 3e4)
    return str(found)


def test_a_line_inside_its_bounds() -> None:
    assert status() == "line"
    assert status(width=2.999e4, gauss=2.999e4, nu=4.99e3) == "line"


def test_a_component_at_a_bound() -> None:
    assert status(width=3e4) == "at the largest width"
    assert status(gauss=3e4) == "at the largest width"
    assert status(nu=5e3) == status(nu=-5e3) == "at the edge of its region"
    assert status(nu=5e3, width=3e4) == "at the largest width"
    assert status(nu=5e3, width=3e4, held=True) == "stand-in"


def test_components_keep_their_order() -> None:
    shapes = make_empty_shapes()
    for nu in (0.0, 5e3, 1.0):
        shapes = shapes.add_line(nu=nu, width=1e3, region=0, low=-5e3, high=5e3)
    found = find_line_status(shapes, 3e4)
    assert found.tolist() == ["line", "at the edge of its region", "line"]
    assert np.asarray(found).dtype.kind == "U"
