"""Receiver's units: what divides a signal, and when two may be compared."""

import pytest

from ssbchar.nmr.quantification.absolute_intensity import explain_incomparable, scale_per_scan

ABOUT = {
    "scans": 16,
    "receiver_gain": 8.0,
    "probe": "static",
    "pulse_program": "echo",
    "pulse_1": 1.6e-6,
    "recycle_delay": 30.0,
    "sw": 5e5,
}


def test_signal_is_divided_by_scans_gain_and_mass() -> None:
    assert scale_per_scan(ABOUT) == 128.0
    assert scale_per_scan(ABOUT | {"sample_mass": 0.02}) == pytest.approx(2.56)
    assert scale_per_scan(ABOUT | {"sample_mass": 0.0}) == 128.0
    assert scale_per_scan({}) == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"scans": 1}, None),
        ({"scans": 0}, "NS is not above zero"),
        ({"receiver_gain": -1.0}, "RG is not above zero"),
        ({"sample_mass": 0.1}, "the sample's mass is given for some only"),
        ({"probe": "MAS"}, "the probe differs (static, MAS)"),
        ({"pulse_program": "cpmg"}, "the pulse program differs (echo, cpmg)"),
        ({"recycle_delay": 30.02}, None),
        ({"recycle_delay": 30.05}, "the recycle delay differs (30.0, 30.05)"),
        ({"pulse_1": 1.6e-6 * 1.002}, "the first pulse differs (1.6e-06, 1.6032e-06)"),
        ({"sw": 5.1e5}, "the spectral width differs (500000.0, 510000.0)"),
    ],
)
def test_what_differs_is_named(change, reason) -> None:
    assert explain_incomparable([ABOUT, ABOUT | change]) == reason
    assert (explain_incomparable([ABOUT | change, ABOUT]) is None) == (reason is None)


def test_masses_of_all_are_comparable() -> None:
    both = [ABOUT | {"sample_mass": 0.1}, ABOUT | {"sample_mass": 0.2}]
    assert explain_incomparable(both) is None
    assert explain_incomparable([{"scans": 1}, ABOUT]) == "RG is not above zero"
