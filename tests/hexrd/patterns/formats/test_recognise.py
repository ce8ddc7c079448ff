"""Every pattern format gives the same numbers, with what its header says."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hexrd.made_patterns import LAMBDA, X, counts, one, write_as, write_nexus
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.formats.recognise import extract
from ssbchar.hexrd.patterns.options import PatternReading


@pytest.mark.parametrize(
    "kind",
    ["xye", "xy", "chi", "fxye", "xydata", "csv", "semicolons", "q_csv", "q_chi", "nexus", "crlf"],
)
def test_every_format_gives_the_same_pattern(kind: str, tmp_path: Path) -> None:
    ds = one(write_as(kind, tmp_path))
    np.testing.assert_allclose(ds.two_theta, X, atol=2e-6)
    np.testing.assert_allclose(ds.intensity.values[0], counts(), rtol=1e-6)
    np.testing.assert_allclose(
        ds.intensity_stderr.values[0], np.sqrt(np.maximum(counts(), 1)), rtol=1e-5
    )
    assert ds.attrs["noise"] == (
        "poisson" if kind in ("xy", "chi", "semicolons", "q_chi") else "file"
    )
    assert ds.status.values.tolist() == ["ok"]


def test_temperature_and_wavelength_of_a_header(tmp_path: Path) -> None:
    ds = read.read_patterns(write_as("xydata", tmp_path), PatternReading())
    assert float(ds.temperature_header[0]) == pytest.approx(21.85)
    assert float(ds.wavelength) == 0.2413
    assert float(ds.wavelength_stderr) == pytest.approx(1e-4 / np.sqrt(12))


def test_nexus_series_with_time_and_temperature(tmp_path: Path) -> None:
    ds = read.read_patterns(
        write_nexus(tmp_path / "s.nxs", np.stack([counts(n) for n in range(5)])), PatternReading()
    )
    assert ds.frame.values.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(ds.temperature_header, 26.85 + np.arange(5))
    np.testing.assert_allclose(np.diff(ds.time), 20.0)
    assert float(ds.time[0]) == 1614592800.0
    assert float(ds.wavelength) == pytest.approx(LAMBDA)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1e7, allow_nan=False), min_size=12, max_size=40),
    st.sampled_from(["xye", "csv", "fxye"]),
    st.sampled_from(["# made by hand\n", "/*\n# a.tif Azm= 180.00\n*/\n", ""]),
)
def test_what_is_written_is_read(values: list[float], kind: str, head: str) -> None:
    """Any counts in any text format come back as printed."""
    y = np.round(np.array(values) + 1.0, 3)
    x = np.round(1.0 + 0.01 * np.arange(y.size), 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        separator, scale = ("," if kind == "csv" else " "), (100 if kind == "fxye" else 1)
        bank = f"a title\nBANK 1 {y.size} {y.size} CONS 100.0 1.0 0 0 FXYE\n"
        title = {"xye": head, "csv": "two_theta,intensity,sigma\n", "fxye": bank}[kind]
        rows = "".join(
            separator.join((f"{a * scale:.4f}", f"{b:.3f}", "1.5")) + "\n"
            for a, b in zip(x, y, strict=True)
        )
        path.write_text(title + rows)
        found = extract(path)
    np.testing.assert_allclose(found.x, x, atol=1e-9)
    np.testing.assert_allclose(found.intensity[0], y, rtol=1e-12)
    assert found.stderr is not None and np.all(found.stderr == 1.5)
