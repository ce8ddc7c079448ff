"""Options are built from plain data; what is wrong is refused in one line per fault."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from ssbchar.runtime.options import (
    build_options,
    convert_to_plain,
    find_departures,
    make_json_schema,
    merge_layers,
    read_field_docs,
)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a curve is fitted."""

    MOVED: ClassVar = {"window": "top.window"}

    model: Literal["debye", "einstein"] | None = "debye"
    """The model."""
    span: tuple[float, float] = (1.0, 2.0)
    """From, to [K]."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A share [1]."""
    times: list[int] = field(default_factory=list)
    """Times [s]."""
    weights: dict[str, float] | None = None
    """Weights by name."""
    clamp: bool = False
    """Clamp the ends."""
    limit: bool | float = False
    """A limit, or whether there is one."""

    def __post_init__(self) -> None:
        if self.span[0] >= self.span[1]:
            raise ValueError(f"span runs from {self.span[0]:g} to {self.span[1]:g} K; swap them")


@dataclass(frozen=True, kw_only=True)
class Top:
    """All options."""

    fit: Fit = field(default_factory=Fit)
    """How a curve is fitted."""
    unit: Literal["degree", "1/angstrom"] | Literal[""] = ""
    """A unit."""
    name: str = "n"
    """A name."""


def refuse(data: object, where: str = "c.yaml") -> str:
    with pytest.raises(ValueError) as refusal:
        build_options(Top, data, where)  # type: ignore[arg-type]
    return str(refusal.value)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"fti": {}}, "c.yaml.fti: unknown option; did you mean 'fit'?"),
        ({"zzzz": 1}, "c.yaml.zzzz: unknown option; known are fit, unit, name"),
        ({"fit": {"modle": "debye"}}, "c.yaml.fit.modle: unknown option; did you mean 'model'?"),
        ({"fit": {"window": 1}}, "c.yaml.fit.window: moved; set it once, as top.window"),
        ({"fit": 3}, "c.yaml.fit: needs options under it, one per line (given: 3)"),
        (
            {"fit": {"model": "einstien"}},
            "c.yaml.fit.model: Input should be 'debye' or 'einstein' (given: 'einstien'); "
            "did you mean 'einstein'?",
        ),
        (
            {"unit": "deg"},
            "c.yaml.unit: Input should be 'degree' or '1/angstrom' or '' (given: 'deg'); "
            "did you mean 'degree'?",
        ),
        (
            {"unit": "furlong"},
            "c.yaml.unit: Input should be 'degree' or '1/angstrom' or '' (given: 'furlong')",
        ),
        (
            {"fit": {"share": 2.0}},
            "c.yaml.fit.share: Input should be less than or equal to 1 (given: 2.0)",
        ),
        ({"fit": {"span": [3.0, 2.0]}}, "c.yaml.fit: span runs from 3 to 2 K; swap them"),
        (
            {"fit": {"span": [1.0, "x"]}},
            "c.yaml.fit.span.1: Input should be a valid number, unable to parse string as a number "
            "(given: 'x')",
        ),
        (
            {"fit": {"share": True}},
            "c.yaml.fit.share: Input should be a valid number (given: true)",
        ),
        (
            {"fit": {"span": [False, 2.0]}},
            "c.yaml.fit.span.0: Input should be a valid number (given: false)",
        ),
        (
            {"fit": {"times": [1, True]}},
            "c.yaml.fit.times.1: Input should be a valid integer (given: true)",
        ),
        (
            {"fit": {"weights": {"a": True}}},
            "c.yaml.fit.weights: Input should be a valid number (given: true)",
        ),
        (
            {"fit": {"model": False}},
            "c.yaml.fit.model: Input should be 'debye' or 'einstein' (given: false)",
        ),
        (
            {"name": False},
            "c.yaml.name: needs a word (given: false); quote yes, no, on and off where meant as "
            "words",
        ),
        ({"fit": True}, "c.yaml.fit: needs options under it, one per line (given: true)"),
        (
            {"fit": {"share": float("nan")}},
            "c.yaml.fit.share: Input should be a finite number (given: nan)",
        ),
        (
            {"fit": {"span": [1.0, float("inf")]}},
            "c.yaml.fit.span.1: Input should be a finite number (given: inf)",
        ),
        (
            {"fit": {"weights": {"a": float("-inf")}}},
            "c.yaml.fit.weights: Input should be a finite number (given: -inf)",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_place_and_remedy(data: dict, line: str) -> None:
    assert refuse(data) == line


def test_a_boolean_is_fine_where_one_is_meant() -> None:
    built = build_options(Top, {"fit": {"clamp": True, "limit": True}})
    assert built.fit.clamp is True and built.fit.limit is True
    assert build_options(Top, {"fit": {"limit": 2}}).fit.limit == 2.0


def test_every_fault_has_its_line() -> None:
    lines = refuse({"fit": {"share": -1.0}, "unti": "degree"}).splitlines()
    assert [line.split(":")[0] for line in lines] == ["c.yaml.fit.share", "c.yaml.unti"]


def test_what_is_given_departs_and_the_rest_is_default() -> None:
    built = build_options(Top, {"fit": {"span": [2, 5], "times": [3]}})
    assert built == Top(fit=Fit(span=(2.0, 5.0), times=[3]))
    assert find_departures(built) == {"fit": {"span": (2.0, 5.0), "times": [3]}}
    assert find_departures(Top()) == {}
    assert build_options(Top, convert_to_plain(built)) == built
    assert build_options(Top, None) == Top()


def test_later_layers_count_key_by_key() -> None:
    layers = ({"fit": {"share": 0.1, "model": "debye"}}, {"fit": {"share": 0.2}, "name": "m"})
    assert merge_layers(*layers) == {"fit": {"share": 0.2, "model": "debye"}, "name": "m"}
    assert merge_layers({"fit": 1}, {"fit": {"share": 0.2}}) == {"fit": {"share": 0.2}}


def test_docstrings_are_in_schema_and_page() -> None:
    assert read_field_docs(Top) == {
        "fit": "How a curve is fitted.",
        "unit": "A unit.",
        "name": "A name.",
    }
    schema = make_json_schema(Top)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Fit"]["additionalProperties"] is False
    assert schema["$defs"]["Fit"]["properties"]["share"]["maximum"] == 1
    assert schema["$defs"]["Fit"]["properties"]["share"]["description"] == "A share [1]."
