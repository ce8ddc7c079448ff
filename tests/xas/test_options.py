"""Options of absorption: a word, number or range that means nothing is refused in one line."""

import pytest

from ssbchar.runtime import options
from ssbchar.xas.options import Xas


@pytest.mark.parametrize(
    ("stage", "given", "said"),
    [
        ("path_fit", {"e0": [200.0]}, "xas.path_fit.e0.0: Input should be less than or equal to"),
        ("path_fit", {"e0": [0.0, -101.0]}, "xas.path_fit.e0.1: Input should be greater than"),
        ("path_fit", {"e0": []}, "xas.path_fit.e0: Tuple should have at least 1 item"),
        ("path_fit", {"e0": [True]}, "xas.path_fit.e0.0: Input should be a valid number"),
        ("path_fit", {"shells": [[-1.0, 2.0]]}, "xas.path_fit.shells.0.0: Input should be greater"),
        ("path_fit", {"shells": [[1.0, 20.0]]}, "xas.path_fit.shells.0.1: Input should be less"),
        ("path_fit", {"shells": [[2.0, 1.0]]}, "shell 2 to 1 is empty; give (low, high)"),
        ("path_fit", {"shells": [[2.0, 2.0]]}, "shell 2 to 2 is empty; give (low, high)"),
        (
            "path_fit",
            {"shells": [[2.5, 3.2], [1.5, 2.6]]},
            "shells 1.5 to 2.6 and 2.5 to 3.2 overlap; part them",
        ),
        ("mixture", {"window": [60.0, -20.0]}, "is empty; give (low, high) in eV"),
        ("mixture", {"window": [5.0, 5.0]}, "is empty; give (low, high) in eV"),
        ("mixture", {"window": [-2e4, 60.0]}, "xas.mixture.window.0: Input should be greater"),
        ("mixture", {"window": [-20.0, float("inf")]}, "xas.mixture.window.1: Input should be a f"),
        ("series", {"window": [80.0, -20.0]}, "is empty; give (low, high) in eV"),
        ("series", {"window": [-20.0, 2e4]}, "xas.series.window.1: Input should be less"),
        ("series", {"window": [float("nan"), 80.0]}, "xas.series.window.0: Input should be a fin"),
        (
            "normalise",
            {"pre2": 30.0, "norm1": 20.0},
            "xas.normalise: pre2 (30 eV) is above norm1 (20 eV)",
        ),
        ("read", {"element": "Xx"}, "xas.read.element: 'Xx' is no symbol of an element"),
        ("read", {"edge": "L"}, "xas.read.edge: 'L' is no edge; known are K, L1"),
        ("calibrate", {"foil_element": "Iron"}, "xas.calibrate.foil_element: 'Iron' is no symbol"),
        ("calibrate", {"foil_edge": "K1"}, "xas.calibrate.foil_edge: 'K1' is no edge"),
    ],
)
def test_refused_in_one_line(stage: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        options.build_options(Xas, {stage: given}, "xas")
    message = str(caught.value)
    assert message.count("\n") == 0
    assert message.startswith(f"xas.{stage}") and said in message


@pytest.mark.parametrize(
    ("stage", "given"),
    [
        ("path_fit", {"shells": [[2.5, 3.2], [1.5, 2.5]], "e0": [-100.0, 100.0]}),
        ("mixture", {"window": [-1e4, 1e4]}),
        ("normalise", {"pre1": -150.0, "pre2": 20.0, "norm1": 20.0, "norm2": 300.0}),
        ("normalise", {"pre2": 20.0}),
        ("normalise", {"norm1": -20.0}),
        ("read", {"element": "U", "edge": "L3"}),
    ],
)
def test_allowed(stage: str, given: dict[str, object]) -> None:
    built = options.build_options(Xas, {stage: given}, "xas")
    plain = options.convert_to_plain(built)[stage]
    assert {name: plain[name] for name in given} == given


def test_defaults_are_within_their_own_bounds() -> None:
    assert options.build_options(Xas, options.convert_to_plain(Xas()), "xas") == Xas()
