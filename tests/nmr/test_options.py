"""Options of the NMR stages: words and numbers out of bounds are refused in one line."""

import pytest

from ssbchar.nmr.options import Nmr
from ssbchar.runtime import options


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"spectrum": {"phase": "peak"}}, "nmr.spectrum.phase: .*'lines' or 'peaks'"),
        ({"decay": {"models": ["triexponential"]}}, "nmr.decay.models.0: .*'stretched'"),
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
        ({"quantify": {"t2_range": [2e-4, 1e-4]}}, "t2_range runs from 0.0002 to 0.0001; give"),
        ({"quantify": {"t2_metal": [5e-4, 4e-4]}}, "t2_metal runs from 0.0005 to 0.0004; give"),
        (
            {"quantify": {"systematics": {"diameters": [6e-5, 1e-5]}}},
            "nmr.quantify.systematics: diameters runs from 6e-05 to 1e-05; give its lower end",
        ),
        (
            {"quantify": {"systematics": {"couplings": [2e5, 0.0]}}},
            "nmr.quantify.systematics: couplings runs from 200000 to 0; give its lower end",
        ),
        ({"read": {"nucleus": "7li"}}, "nmr.read.nucleus: .*'7li' is unknown; did you mean '7Li'"),
        ({"read": {"nucleus": "xyz"}}, "nmr.read.nucleus: .*known are 1H, 2H, 6Li, 7Li"),
        ({"regions": {"li_si": [-200.0, 250.0]}}, "nmr.regions: .*overlap"),
    ],
)
def test_what_no_stage_could_do_is_refused_in_one_line(given, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        options.build_options(Nmr, given, "nmr")
    assert len(str(refusal.value).splitlines()) == 1


def test_a_pair_may_be_one_number() -> None:
    built = options.build_options(Nmr, {"quantify": {"t2_range": [1e-4, 1e-4]}})
    assert built.quantify.t2_range == (1e-4, 1e-4)


@pytest.mark.parametrize("nucleus", ["1H", "6Li", "7Li", "31P"])
def test_every_nucleus_of_the_table_may_be_named(nucleus: str) -> None:
    assert options.build_options(Nmr, {"read": {"nucleus": nucleus}}).read.nucleus == nucleus


def test_defaults_are_within_their_own_bounds() -> None:
    assert options.build_options(Nmr, options.convert_to_plain(Nmr()), "nmr") == Nmr()
