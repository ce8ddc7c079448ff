"""Patterns brought to one incident flux: what changes with the beam alone becomes equal, with its
variance."""

import json
from pathlib import Path

import numpy as np
import pytest
from hexrd.made_images import FLAT, SHAPE, tiff
from hexrd.made_patterns import X, one, told, xye

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.integrate import integrate_images
from ssbchar.hexrd.images.options import Integration

FLUX = np.array([1.0, 0.8, 1.25, 1.1, 0.7, 0.95, 1.0, 1.05])
TRUTH = 400 + 8000 * np.exp(-(((X - 4.1) / 0.05) ** 2))


def series(folder: Path, key: str = "monitor", missing: int = 0) -> Path:
    for n, flux in enumerate(FLUX, 1):
        y = np.random.default_rng(n).poisson(flux * TRUTH).astype(float)
        head = f"# {key}: {1e6 * flux:.6g}\n" if n != missing else "# monitor: off\n"
        xye(folder / f"{n}.xye", y=y, head=head)
    return folder


@pytest.mark.parametrize("key", ["monitor", "I0", "ion_chamber"])
def test_the_beam_drops_out_and_errors_go_with_it(key: str, tmp_path: Path) -> None:
    ds = one(series(tmp_path, key), by_monitor=True, monitor_stderr=1e-3)
    usual = np.median(FLUX)
    np.testing.assert_allclose(ds["monitor_scale"], usual / FLUX, rtol=1e-6)
    np.testing.assert_allclose(ds["monitor_scale_stderr"], 1e-3 * usual / FLUX, rtol=1e-6)
    pull = (ds["intensity"].values - usual * TRUTH) / ds["intensity_stderr"].values
    assert np.all(np.abs(pull.mean(axis=1)) < 4 / np.sqrt(X.size))
    assert np.all((pull.std(axis=1) > 0.9) & (pull.std(axis=1) < 1.1)), (
        "a scaled count keeps its relative error"
    )
    plain = one(tmp_path)
    assert (
        "monitor_scale" not in plain
        and plain["intensity"][0].sum() > 1.2 * plain["intensity"][1].sum()
    )


def test_a_frame_without_a_monitor_is_set_aside_with_a_line(tmp_path: Path) -> None:
    ds = one(series(tmp_path, missing=4), by_monitor=True)
    assert ds["status"].values.tolist() == ["ok"] * 3 + ["no_monitor"] + ["ok"] * 4
    assert [(e["where"], e["problem"]) for e in told(ds)] == [("4.xye", "its monitor is missing")]
    assert one(tmp_path)["status"].values.tolist() == ["ok"] * 8, (
        "without normalising nothing is missing"
    )


def test_no_monitor_at_all_is_refused(tmp_path: Path) -> None:
    for n in (1, 2):
        xye(tmp_path / f"{n}.xye", n)
    with pytest.raises(BadInput, match="divided by a monitor, and no usable one states it"):
        one(tmp_path, by_monitor=True)


def test_a_constant_column_of_a_table_is_the_monitor(tmp_path: Path) -> None:
    for n, flux in ((1, 1.5), (2, 1.0), (3, 1.0)):
        rows = "".join(f"{x},{flux * y:.3f},{flux}\n" for x, y in zip(X, TRUTH, strict=True))
        (tmp_path / f"{n}.csv").write_text("two_theta,intensity,i0\n" + rows)
    ds = one(tmp_path, by_monitor=True)
    np.testing.assert_allclose(ds["intensity"], np.broadcast_to(TRUTH, (3, X.size)), rtol=1e-4)
    np.testing.assert_allclose(ds["intensity_stderr"][0], np.sqrt(1.5 * TRUTH) / 1.5, rtol=1e-3)


def test_images_by_their_header(tmp_path: Path) -> None:
    for n, flux in enumerate((1.0, 0.5, 1.5), 1):
        counts = np.random.default_rng(n).poisson(200 * flux, SHAPE).astype(np.uint16)
        tiff(tmp_path / f"a_{n:04d}.tif", counts, f"frame: {n}; i0: {flux}; mono: {2 * flux}")
    how = {"by_monitor": True, "hot_pixel_sigma": 0.0, "beam_dump": 0.1}
    ds = integrate_images(tmp_path, FLAT, Integration(sectors=4, **how))
    plain = integrate_images(
        tmp_path, FLAT, Integration(sectors=4, hot_pixel_sigma=0.0, beam_dump=0.1)
    )
    for name in ("intensity", "intensity_stderr", "intensity_robust", "caked", "caked_stderr"):
        factor = np.array([1.0, 2.0, 2 / 3]).reshape(-1, *[1] * (ds[name].ndim - 1))
        np.testing.assert_allclose(ds[name], plain[name] * factor, rtol=1e-5)
    with pytest.raises(BadInput, match="no usable one states it"):
        integrate_images(tmp_path, FLAT, Integration(monitor_key="diode", **how))
    assert "set_aside" not in ds.attrs or not json.loads(ds.attrs["set_aside"])
