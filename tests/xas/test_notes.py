"""Notes: kept as JSON, joined with doubts first and each text once."""

import json

from ssbchar.xas import notes


def test_notes_are_joined_doubts_first_each_text_once() -> None:
    listed = [
        notes.make_remark("folder/0.dat", "averaged"),
        notes.make_doubt("folder/1.dat", "thick"),
        notes.make_remark("folder/2.dat", "averaged"),
        notes.make_remark("folder/3.dat", "averaged"),
    ]
    assert notes.join_notes(listed) == "1.dat: thick; 0.dat and 2 more: averaged"
    assert notes.join_notes([]) == ""


def test_a_remark_is_no_doubt_of_the_same_text() -> None:
    both = [notes.make_remark("a", "x"), notes.make_doubt("b", "x")]
    assert notes.join_notes(both) == "b: x; a: x"
    assert [notes.is_doubt(note) for note in both] == [False, True]


def test_notes_and_exclusions_are_read_from_attributes() -> None:
    note = notes.make_doubt("a", "x")
    exclusion = notes.make_exclusion("a", "empty", "measure again")
    attrs = {"notes": json.dumps([note]), "set_aside": json.dumps([exclusion])}
    assert notes.read_notes(attrs) == [note]
    assert notes.read_exclusions(attrs) == [exclusion]
    assert notes.read_notes({}) == notes.read_exclusions({}) == []
    assert exclusion == {"where": "a", "problem": "empty", "remedy": "measure again"}
    assert note == {"where": "a", "note": "x", "level": "doubt"}


def test_notes_of_another_measurement_name_it_once() -> None:
    scan, whole = notes.make_remark("0.dat", "x"), notes.make_remark("other", "y")
    attrs = {"notes": json.dumps([scan, whole]), "measurement": "other"}
    assert [note["where"] for note in notes.read_notes_of_other(attrs)] == [
        "0.dat (other)",
        "other",
    ]
