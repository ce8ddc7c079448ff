"""Pulse programs, their relations and lists: times worked out by hand."""

from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import delays


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2s", 2.0), ("3m", 3e-3), ("4u", 4e-6), ("5n", 5e-9), ("0.25", 0.25), ("1.5e-3", 1.5e-3)],
)
def test_suffixes_of_a_list(tmp_path: Path, text: str, seconds: float) -> None:
    path = tmp_path / "vdlist"
    path.write_text(f"{text}\n1u\n")
    assert delays.read_list(path) == pytest.approx([seconds, 1e-6], rel=1e-12)


def test_a_list_of_counts_has_no_unit(tmp_path: Path) -> None:
    path = tmp_path / "vclist"
    path.write_text("1 2 16")
    assert delays.read_list(path, counts=True) == [1.0, 2.0, 16.0]


def test_the_wrong_word_of_a_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vdlist"
    path.write_text("1u\n2u\nx3\n")
    with pytest.raises(BadInput, match="entry 3: 'x3'"):
        delays.read_list(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [("d1+p1", 2.5), ("d1-p1", 1.5), ("d1*p1", 1.0), ("d1/p1", 4.0), ("-p1", -0.5), ("20m", 0.02)],
)
def test_operators(text: str, value: float) -> None:
    assert delays.evaluate(text, {"d1": 2.0, "p1": 0.5}) == pytest.approx(value, rel=1e-12)


def test_names_are_in_seconds_and_numbered_from_zero() -> None:
    acqus = {"D": [0.0, 3.0], "P": [7.0, 4.0], "L": [5.0], "CNST": [2.0, 9.0], "DE": 6.5}
    names, conflicts = delays.names_from_parameters(acqus, "")
    assert names == pytest.approx(
        {
            "d0": 0.0,
            "d1": 3.0,
            "p0": 7e-6,
            "p1": 4e-6,
            "l0": 5.0,
            "cnst0": 2.0,
            "cnst1": 9.0,
            "de": 6.5e-6,
        }
    )
    assert conflicts == []


def test_a_relation_wins_over_a_stored_value_and_is_reported() -> None:
    names, conflicts = delays.names_from_parameters({"P": [0.0, 4.0, 9.0]}, '"p2=2*p1"\n')
    assert names["p2"] == pytest.approx(8e-6)
    assert conflicts == ["p2 is stored as 9e-06 s but the pulse program sets p2=2*p1 = 8e-06 s"]


@pytest.mark.parametrize(
    ("stored", "reported"),
    [
        (8.0, False),
        (8.005, False),  # [us] within 1e-8 s: parameter files round
        (8.017, False),  # 1e-8 s and a thousandth of 8 us
        (8.02, True),
        (7.98, True),
    ],
)
def test_how_far_a_stored_time_may_be_off(stored: float, reported: bool) -> None:
    _, conflicts = delays.names_from_parameters({"P": [0.0, 4.0, stored]}, '"p2=2*p1"\n')
    assert bool(conflicts) == reported


def test_a_count_that_the_program_sets_is_no_conflict() -> None:
    names, conflicts = delays.names_from_parameters({"L": [0.0, 4.0]}, '"l1=8"\n"x7=d9*2"\n')
    assert (names["l1"], conflicts) == (8.0, [])
    assert "x7" not in names


SOLID_ECHO = """; solid echo
#include <Avance.incl>
1 ze
2 30m
  d1
  p1:f1 ph1
  d6
  p2:f1 ph2
  d7
  go=2 ph31
exit
"""


def test_a_solid_echo_from_the_end_of_its_first_pulse() -> None:
    assert delays.derive_formula(SOLID_ECHO) == "d6+p2+d7"
    assert delays.find_sequence(SOLID_ECHO) == [
        "p1:f1 ph1",
        "d6",
        "p2:f1 ph2",
        "d7",
    ]


def test_what_stands_behind_the_recycle_delay_belongs_to_the_sequence() -> None:
    assert delays.derive_formula("1 ze\n2 d1 p1 ph1\nvd\ngo=2\n") == "vd"


def test_a_pulse_of_no_recycle_line_is_not_taken_from_it() -> None:
    assert delays.find_sequence("1 ze\n2 d1\np1\nd6\ngo=2\n") == ["p1", "d6"]


def test_factors_and_fixed_times_are_kept() -> None:
    assert delays.derive_formula("d1\np1\nd6*2\n10u\np2\ngo=1\n") == "d6*2+10u+p2"


def test_powers_and_phases_are_no_times() -> None:
    assert delays.derive_formula("d1\np1 pl1 ph1\nd6 pl2\ngo=1\n") == "d6"


def test_a_named_loop_counter() -> None:
    program = "d1\np1\n3 d6\np2\nlo to 3 times l4\ngo=1\n"
    assert delays.derive_formula(program) == "l4*(d6+p2)"


def test_the_innermost_label_is_the_loop_s() -> None:
    program = "d1\np1\n3 d2\n4 d6\nlo to 4 times c\nd7\nlo to 3 times l2\ngo=1\n"
    assert delays.derive_formula(program) == "l2*(d2+vc*(d6)+d7)"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("d1\np1\nd6\n", "no acquisition"),
        ("d1\np1\ngo=1\n", "no delay between"),
        ("d1\np1\nd6\nlo to 9 times c\ngo=1\n", "unknown label 9"),
        ("d1\np1\nd6\nif l1\ngo=1\n", "'if l1' is not understood"),
        ("d1\np1\nd0\nid0\ngo=1\n", "'id0' is not understood"),
    ],
)
def test_programs_that_are_refused(program: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        delays.derive_formula(program)


@pytest.mark.parametrize(
    ("program", "follows"),
    [
        ("1 ze\n2 d1\n  (p1 ph1):f1\n  go=2 ph31\n", True),
        ("1 ze\n2 d1\n  p1 ph1\n  d4\n  p15:f1 ph2\n  go=2\n", True),
        ("1 ze\n2 d1\n  p1\n  d6\n  p2\n  d6\n  go=2\n", False),
        ("1 ze\n2 d1\n  go=2\n", False),
        ("nothing", False),
    ],
)
def test_whether_the_acquisition_follows_a_pulse(program: str, follows: bool) -> None:
    assert delays.ends_with_pulse(program) is follows


def test_a_long_program_is_no_long_message() -> None:
    text = "+".join(f"d{n}" for n in range(500))
    with pytest.raises(ValueError, match="is not known") as refused:
        delays.evaluate(f"{text}**2", {})
    assert len(str(refused.value)) < 120
    assert delays.shorten_formula("2*vd+p2") == "2*vd+p2"
    assert len(delays.shorten_formula(text)) < 100
