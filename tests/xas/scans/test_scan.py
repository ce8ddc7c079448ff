"""A scan in order of energy: sorted, averaged, cleaned, and every change noted."""

import numpy as np
import pytest

from ssbchar.xas.scans.scan import Mode, Scan, order_by_energy


def scan(energy: list[float], mu: list[float], stderr: float = 0.2, **more: object) -> Scan:
    values = np.array(mu)
    return Scan(
        where="a",
        energy=np.array(energy),
        mu=values,
        mu_stderr=np.full(values.size, stderr),
        i0=10 * values,
        mu_foil=2 * values,
        total=3 * values,
        element="Fe",
        edge="K",
        mode=Mode.MU,
        **more,  # type: ignore[arg-type]
    )


def test_a_rising_scan_stays_as_it_is() -> None:
    one = scan([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], notes=("energy given in keV",))
    done = order_by_energy(one)
    assert np.array_equal(done.energy, one.energy) and np.array_equal(done.mu, one.mu)
    assert np.allclose(done.mu_stderr, one.mu_stderr)
    assert done.notes == ("energy given in keV",)


def test_a_falling_scan_is_reversed() -> None:
    done = order_by_energy(scan([3.0, 2.0, 1.0], [0.3, 0.2, 0.1]))
    assert done.energy.tolist() == [1.0, 2.0, 3.0]
    assert done.mu.tolist() == [0.1, 0.2, 0.3]
    assert done.notes == ("energy runs downwards: reversed",)


def test_backward_steps_are_sorted_and_counted() -> None:
    done = order_by_energy(scan([1.0, 3.0, 2.0, 4.0, 5.0], [0.1, 0.3, 0.2, 0.4, 0.5]))
    assert done.mu == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert done.notes == ("1 backward energy steps: points sorted",)


def test_readings_of_one_energy_are_averaged_with_their_errors() -> None:
    """Two readings: the mean, its error smaller by sqrt(2); a thousandth of an eV apart is one
    energy, more is two."""
    done = order_by_energy(scan([1.0, 1.0, 2.0], [0.1, 0.3, 0.5]))
    assert done.mu == pytest.approx([0.2, 0.5])
    assert done.mu_stderr == pytest.approx([0.2 / np.sqrt(2), 0.2])
    assert done.i0 == pytest.approx([2.0, 5.0])
    assert done.mu_foil == pytest.approx([0.4, 1.0])
    assert done.total == pytest.approx([0.6, 1.5])
    assert done.notes == ("1 points repeat an energy: averaged",)
    assert order_by_energy(scan([1.0, 1.0009], [0.1, 0.3])).energy.size == 1
    assert order_by_energy(scan([1.0, 1.0011], [0.1, 0.3])).energy.size == 2


def test_unequal_errors_are_averaged_in_squares() -> None:
    from dataclasses import replace

    one = replace(scan([1.0, 1.0], [0.1, 0.3]), mu_stderr=np.array([0.3, 0.4]))
    assert order_by_energy(one).mu_stderr == pytest.approx([0.25])


def test_unreadable_points_are_left_out() -> None:
    done = order_by_energy(scan([1.0, np.nan, 3.0, 4.0], [0.1, 0.2, np.nan, 0.4]))
    assert done.energy.tolist() == [1.0, 4.0]
    assert done.notes == ("2 points without a valid reading left out",)


def test_a_scan_without_a_reading_is_empty() -> None:
    done = order_by_energy(scan([1.0, 2.0], [np.nan, np.nan]))
    assert done.energy.size == done.mu.size == done.mu_stderr.size == 0
    assert done.notes[0] == "2 points without a valid reading left out"


def test_many_readings_of_one_energy_are_no_falling_scan() -> None:
    """The typical step is nothing: the scan does not run downwards."""
    done = order_by_energy(scan([1.0, 1.0, 1.0, 2.0], [0.1, 0.2, 0.3, 0.4]))
    assert done.notes == ("2 points repeat an energy: averaged",)


def test_a_scan_of_fine_steps_runs_upwards() -> None:
    done = order_by_energy(scan([1.0, 1.2, 1.4, 1.6], [0.1, 0.2, 0.3, 0.4]))
    assert done.notes == ()
