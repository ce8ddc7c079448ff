"""Echo efficiency against brute force."""

import numpy as np
import pytest

from ssbchar.nmr.quantification import echo_efficiency

FLIPS = (np.pi / 6, np.pi / 3)
ECHO = echo_efficiency.SolidEcho(rf=1 / 12 / 1.617e-6, flips=FLIPS, delay=1e-5)


def test_without_coupling_the_echo_is_that_of_any_spin() -> None:
    assert echo_efficiency.average_efficiency(0.0, 0.0, ECHO) == pytest.approx(
        np.sin(FLIPS[0]) * np.sin(FLIPS[1] / 2) ** 2
    )


@pytest.mark.parametrize(("coupling", "offset"), [(85e3, 0.0), (0.0, 4e4), (2e5, -5e4)])
def test_against_brute_force(coupling: float, offset: float) -> None:
    from scipy.linalg import expm

    m = np.array([1.5, 0.5, -0.5, -1.5])
    iz, up = np.diag(m), np.diag([np.sqrt(3), 2, np.sqrt(3)], 1)
    ix, iy = (up + up.T) / 2, (up - up.T) / 2j
    w1 = 2 * np.pi * ECHO.rf
    total, nodes = 0j, np.linspace(0.0005, 0.9995, 1000)
    for x in nodes[::8]:
        h = 2 * np.pi * offset * iz + np.pi * coupling / 2 * (3 * x * x - 1) / 2 * (
            iz @ iz - 1.25 * np.eye(4)
        )
        wait = expm(-1j * h * ECHO.delay)
        for k in range(4):
            axis = np.cos(k * np.pi / 2) * ix + np.sin(k * np.pi / 2) * iy
            u = (
                wait
                @ expm(-1j * (h + w1 * axis) * FLIPS[1] / w1)
                @ wait
                @ expm(-1j * (h + w1 * ix) * FLIPS[0] / w1)
            )
            total += np.trace(u @ iz @ u.conj().T @ up) * (-1) ** k / 4
    assert echo_efficiency.average_efficiency(coupling, offset, ECHO) == pytest.approx(
        abs(total) / 125 / 5, rel=0.02
    )


def test_range_of_the_ratio_spans_the_known_band() -> None:
    ranges = [
        echo_efficiency.scan_efficiency_ratio((o + 79e3, o), np.linspace(0, 2e5, 11), ECHO)
        for o in (-79e3, -28e3, 0.0)
    ]
    assert min(r[0] for r in ranges) == pytest.approx(0.5, abs=0.1)
    assert max(r[1] for r in ranges) == pytest.approx(1.3, abs=0.1)
