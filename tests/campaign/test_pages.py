"""Pages made from the code: an example for each section of options, every message of the
sources."""

import dataclasses
from pathlib import Path

import pytest

from ssbchar.campaign import messages, option_examples, schema
from ssbchar.errors import BadInput
from ssbchar.runtime import options as opts
from ssbchar.storage import user_text

SECTIONS = dict(schema.list_sections())


@pytest.mark.parametrize("place", option_examples.EXAMPLES)
def test_an_example_is_valid_and_departs_from_the_defaults(place: str) -> None:
    given = option_examples.EXAMPLES[place].options
    built = opts.build_options(SECTIONS[place], given, place)
    departures = opts.find_departures(built)
    assert set(departures) >= set(given) - {"run", "samples", "kmin", "calibrant"}
    text = option_examples.format_example(place, SECTIONS[place])
    assert text.startswith("Example: ") and "```yaml" in text


def test_every_section_shows_an_example() -> None:
    page = schema.format_page()
    assert page.count("Example: ") == len(SECTIONS)
    assert not set(option_examples.EXAMPLES) - set(SECTIONS)


def test_a_section_without_one_of_its_own_shows_a_default() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class New:
        rate: float = 2.0

    text = option_examples.format_example("xas.new", New)
    assert "written out" in text and "rate: 2.0" in text


def test_the_page_of_messages_holds_what_a_fault_says(tmp_path: Path) -> None:
    found = {(one.problem, one.remedy) for one in messages.list_messages()}
    assert len(found) > 350
    with pytest.raises(BadInput) as caught:
        user_text.read_user_text(tmp_path / "none.tsv")
    fault = caught.value
    assert any(
        fault.problem.startswith(problem.partition(messages.UNKNOWN)[0])
        and fault.remedy.startswith(remedy.partition(messages.UNKNOWN)[0])
        for problem, remedy in found
        if problem.partition(messages.UNKNOWN)[0]
    )
    problems = {problem for problem, _ in found}
    assert {"no acqus file", "the phases file does not exist", "unknown option"} <= problems


@pytest.mark.parametrize(
    ("option", "default", "values"),
    [
        ("mode", '"pawley"', "`pawley`, `rietveld`"),
        ("two_theta_max", "180.0", "> 0, ≤ 180"),
        ("gauss_fwhm", "null", "> 0, ≤ 1 or none"),
        ("share_metal", "true", "`true`, `false`"),
        ("models", '["exponential", "stretched", "biexponential"]', "a list of"),
        ("li_metal", "", "2 times ≥"),
    ],
)
def test_the_page_of_options_says_what_each_takes(option: str, default: str, values: str) -> None:
    lines = [one for one in schema.format_page().splitlines() if f"| `{option}` |" in one]
    assert any(default in line and f"| {values}" in line for line in lines)
