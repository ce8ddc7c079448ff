"""Metadata against metadata."""

import pytest

from ssbchar.nmr.bruker.metadata_conflicts import find_conflicts

LI7 = {
    "NUC1": "7Li",
    "BF1": 311.1,
    "SFO1": 311.13111,
    "O1": 31110.0,
    "MASR": 0,
    "NS": 64,
    "RG": 64.0,
}


def test_a_sound_set_has_none() -> None:
    assert find_conflicts(LI7, "Li1Si 100 MPa", -200.0) == []
    assert find_conflicts(LI7 | {"MASR": 10000}, "Li1Si, MAS 10 kHz, SR -200.0", -200.0) == []


@pytest.mark.parametrize(
    ("acqus", "title", "said"),
    [
        (
            {"BF1": 161.98, "SFO1": 161.98, "O1": 0},
            "",
            "suits no usual magnet (417 MHz 1H); it suits 6Li, 11B, 31P",
        ),
        ({"BF1": 400.13, "SFO1": 400.13, "O1": 0, "BF2": 400.13, "BF3": 400.13}, "", "it suits 1H"),
        ({"O1": 0.0}, "", "SFO1 - BF1 = 31110.0 Hz but O1 = 0.0 Hz"),
        ({}, "reference SR = 6259.14 Hz", "the title says SR 6259.14 Hz, procs says -200.00 Hz"),
        (
            {"MASR": 7000},
            "7Li 40 kHz hahn echo",
            "the title says 40 kHz (spinning), MASR says 7 kHz",
        ),
        ({}, "MAS speed: 10 KHz", "the title says 10 kHz (spinning), MASR says 0 kHz"),
        ({"NS": 0}, "", "NS is 0: intensities cannot be compared"),
    ],
)
def test_contradictions(acqus: dict, title: str, said: str) -> None:
    found = find_conflicts(LI7 | acqus, title, -200.0)
    assert any(said in line for line in found), found
    assert len(found) == 1
