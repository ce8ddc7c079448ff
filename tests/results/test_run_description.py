"""Versions, states of ssbchar and options as a run's page and crate list them."""

import pytest

import ssbchar
from ssbchar.results import run_description


def test_versions_begin_with_ssbchar_and_leave_out_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_description, "LIBRARIES", ("numpy", "no-such-library"))
    versions = run_description.list_versions()
    assert versions[0] == ("ssbchar", ssbchar.__version__)
    assert [name for name, _ in versions] == ["ssbchar", "Python", "numpy"]


def test_states_of_the_software_are_counted_in_their_order() -> None:
    def content(commit: str, dirty: bool) -> dict[str, object]:
        return {"provenance": {"version": "1", "commit": commit, "dirty": dirty}}

    contents = [content("b", False), content("a", False), content("b", False), content("b", True)]
    counted = run_description.count_software(contents)
    assert [(s.commit, s.dirty, count) for s, count in counted] == [
        ("b", False, 2),
        ("a", False, 1),
        ("b", True, 1),
    ]


def test_options_are_flattened_to_dotted_names() -> None:
    nested = {"hexrd": {"refine": {"background": 9}}, "report": {"title": "T"}, "run": "demo"}
    assert run_description.flatten_options(nested) == [
        ("hexrd.refine.background", "9"),
        ("report.title", "T"),
        ("run", "demo"),
    ]
    assert run_description.flatten_options({}) == []
