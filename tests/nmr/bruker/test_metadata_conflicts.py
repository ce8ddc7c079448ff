"""Metadata against metadata."""

import pytest

from ssbchar.nmr.bruker.metadata_conflicts import MAGNETS, XI, find_conflicts

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


@pytest.mark.parametrize("nucleus", sorted(XI))
@pytest.mark.parametrize("magnet", MAGNETS)
def test_every_nucleus_suits_every_magnet(nucleus: str, magnet: int) -> None:
    frequency = XI[nucleus] * magnet
    acqus = LI7 | {"NUC1": nucleus, "BF1": frequency, "SFO1": frequency, "O1": 0.0}
    assert find_conflicts(acqus, "", -200.0) == []


def test_frequency_ratios_are_those_of_the_recommendations() -> None:
    """Harris et al. 2001, table 3, in percent."""
    percent = {"2H": 15.350609, "6Li": 14.716086, "7Li": 38.863797, "13C": 25.145020}
    percent |= {"11B": 32.083974, "19F": 94.094011, "23Na": 26.451900, "27Al": 26.056859}
    percent |= {"29Si": 19.867187, "31P": 40.480742}
    assert {n: 100 * XI[n] for n in percent} == pytest.approx(percent, rel=2e-6)


@pytest.mark.parametrize(("off", "expected"), [(0.9, 0), (1.1, 1), (-1.1, 1)])
def test_how_far_the_offset_may_be(off: float, expected: int) -> None:
    assert len(find_conflicts(LI7 | {"O1": 31110.0 + off}, "", -200.0)) == expected


@pytest.mark.parametrize(
    ("stated", "expected"), [("-200.50", 0), ("-199.50", 0), ("-200.51", 1), ("-199.49", 1)]
)
def test_how_far_the_reference_of_the_title_may_be(stated: str, expected: int) -> None:
    assert len(find_conflicts(LI7, f"SR = {stated} Hz", -200.0)) == expected


@pytest.mark.parametrize(("masr", "expected"), [(9510, 0), (9490, 1), (10490, 0), (10510, 1)])
def test_how_far_the_spinning_rate_may_be(masr: int, expected: int) -> None:
    assert len(find_conflicts(LI7 | {"MASR": masr}, "MAS 10 kHz", -200.0)) == expected


@pytest.mark.parametrize(("share", "expected"), [(1.009, 0), (0.991, 0), (1.011, 1), (0.989, 1)])
def test_how_far_the_field_may_be_from_that_of_unused_channels(share: float, expected: int) -> None:
    proton = 311.13111 / XI["7Li"] / share
    assert len(find_conflicts(LI7 | {"BF2": proton}, "", -200.0)) == expected


def test_a_gain_above_zero_is_none() -> None:
    assert find_conflicts(LI7 | {"RG": 0.5, "NS": 1}, "", -200.0) == []
    assert len(find_conflicts(LI7 | {"RG": 0}, "", -200.0)) == 1


@pytest.mark.parametrize(
    "magnet", [200, 250, 300, 360, 400, 500, 600, 700, 750, 800, 850, 900, 950, 1000, 1100, 1200]
)
def test_usual_magnets_reach_one_percent_to_either_side(magnet: int) -> None:
    for share, conflicts in ((0.9905, 0), (1.0095, 0), (0.989, 1), (1.011, 1)):
        frequency = XI["7Li"] * magnet * share
        acqus = LI7 | {"BF1": frequency, "SFO1": frequency, "O1": 0.0}
        assert len(find_conflicts(acqus, "", -200.0)) == conflicts


@pytest.mark.parametrize(("channel", "known"), [(2, True), (8, True), (1, False), (9, False)])
def test_unused_channels_are_two_to_eight(channel: int, known: bool) -> None:
    """A field that no magnet has is one if a channel says so."""
    frequency = XI["7Li"] * 450.0
    acqus = LI7 | {"BF1": frequency, "SFO1": frequency, "O1": 0.0}
    said = find_conflicts(acqus if channel == 1 else acqus | {f"BF{channel}": 450.0}, "", -200.0)
    assert (said == []) is known


def test_channels_that_disagree_say_nothing_of_the_field() -> None:
    acqus = LI7 | {"BF2": 450.0, "BF3": 460.0}
    assert find_conflicts(acqus, "", -200.0) == []


def test_an_offset_of_exactly_one_hertz_is_let_pass() -> None:
    acqus = LI7 | {"BF1": 311.0, "SFO1": 312.0, "O1": 1e6 - 1.0}
    assert find_conflicts(acqus, "", -200.0) == []
    assert find_conflicts(acqus | {"O1": 1e6 + 1.0}, "", -200.0) == []
    assert len(find_conflicts(acqus | {"O1": 1e6 + 1.01}, "", -200.0)) == 1


def test_a_spinning_rate_exactly_a_twentieth_off_is_let_pass() -> None:
    assert find_conflicts(LI7 | {"MASR": 9500}, "MAS 10 kHz", -200.0) == []
    assert find_conflicts(LI7 | {"MASR": 10500}, "MAS 10 kHz", -200.0) == []


@pytest.mark.parametrize(
    ("change", "sr", "said"),
    [
        ({"SW_h": 5e5, "SW": 5e5 / 311.1}, 0.0, None),
        ({"SW_h": 5e5, "SW": 5e6 / 311.1}, 0.0, "but SW_h = 500000 Hz"),
        ({"SW_h": 5e5}, 0.0, None),
        ({}, 0.2e6, "SF is 643 ppm from BF1"),
        ({}, -200.0, None),
    ],
)
def test_width_and_reference_are_checked_for_sense(change, sr: float, said) -> None:
    acqus = {"BF1": 311.1, "SFO1": 311.1, "O1": 0.0, "NUC1": "7Li"} | change
    found = find_conflicts(acqus, "", sr)
    assert any(said in one for one in found) if said else found == []
