"""Options of the NMR stages: words and numbers out of bounds are refused in one line."""

import pytest

from ssbchar.nmr.options import Nmr
from ssbchar.runtime import options


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"spectrum": {"phase": "peak"}}, "nmr.spectrum.phase: .*'lines' or 'peaks'"),
        ({"decay": {"models": ["biexponential"]}}, "nmr.decay.models.0: .*'stretched'"),
        ({"decay": {"models": []}}, "nmr.decay: .*models is empty"),
        ({"lines": {"shapes": ["lorentz", "gauss"]}}, "nmr.lines.shapes.1: .*'voigt'"),
        ({"lines": {"shapes": ["voigt"]}}, "shapes lacks lorentz"),
        ({"lines": {"max_components": 0}}, "nmr.lines.max_components: .*greater"),
        ({"lines": {"max_width": 0.0}}, "nmr.lines.max_width: .*greater"),
        ({"lines": {"max_width": 2000.0}}, "absent_width is above max_width"),
        ({"lines": {"display": [100.0, 100.0]}}, "display has no width"),
        ({"spectrum": {"display": [1.0, 1.0]}}, "display has no width"),
        ({"spectrum": {"zero_fill": 0}}, "nmr.spectrum.zero_fill: .*greater"),
        ({"spectrum": {"baseline_order": -2}}, "nmr.spectrum.baseline_order: .*greater"),
        ({"spectrum": {"broadening": -1.0}}, "nmr.spectrum.broadening: .*greater"),
        ({"decay": {"min_exponent": 1.5}}, "nmr.decay.min_exponent: .*less"),
        ({"regions": {"li_si": [-200.0, 250.0]}}, "nmr.regions: .*overlap"),
    ],
)
def test_what_no_stage_could_do_is_refused_in_one_line(given, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        options.build_options(Nmr, given, "nmr")
    assert len(str(refusal.value).splitlines()) == 1


def test_defaults_are_within_their_own_bounds() -> None:
    assert options.build_options(Nmr, options.convert_to_plain(Nmr()), "nmr") == Nmr()
