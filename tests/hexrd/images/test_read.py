"""Image files as detectors write them: cut short, linked, with times, units, hot pixels and
cut-offs."""

import h5py
import numpy as np
import pytest
from hexrd.made_images import FLAT, PLANE, SHAPE, tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, integrate, read
from ssbchar.hexrd.images.options import Integration


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["cbf", "edf", "tif", "h5"])
def test_files_cut_short_never_hang_nor_pass(tmp_path, kind, share):
    counts = np.random.default_rng(6).poisson(10, SHAPE).astype(np.int32)
    path = write_as(tmp_path / f"whole.{kind}", counts)
    (good,) = read.read_images(path)
    np.testing.assert_array_equal(good.counts, counts)
    whole = path.read_bytes()
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole[: int(len(whole) * share)])
    assert all(isinstance(image, BadInput) for image in read.read_images(cut))


def write_as(path, counts):
    import fabio

    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["entry/data/data_000001"] = counts[None]
        return path
    kinds = {
        ".cbf": fabio.cbfimage.CbfImage,
        ".edf": fabio.edfimage.EdfImage,
        ".tif": fabio.tifimage.TifImage,
    }
    kinds[path.suffix](data=counts, header={}).write(str(path))
    return path


def test_eiger_master_with_linked_data(tmp_path):
    stack = np.random.default_rng(7).poisson(30, (5, *SHAPE)).astype(np.uint32)
    stack[:, 3, 3] = 2**32 - 1
    for k, part in enumerate((stack[:3], stack[3:]), 1):
        with h5py.File(tmp_path / f"run_data_{k:06d}.h5", "w") as file:
            file["entry/data/data"] = part
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        for k in (1, 2):
            file[f"entry/data/data_{k:06d}"] = h5py.ExternalLink(
                f"run_data_{k:06d}.h5", "/entry/data/data"
            )
        specific = file.create_group("entry/instrument/detector/detectorSpecific")
        specific["data_collection_date"] = "2024-05-06T07:08:09.5+00:00"
        file["entry/instrument/detector/frame_time"] = 2.0
        file["entry/sample/temperature"] = 301.5
    ds = integrate.integrate_images(tmp_path, FLAT, Integration(hot_pixel_sigma=0))
    assert ds.sizes["frame"] == 5 and np.all(ds["status"] == "ok")
    assert ds.attrs["pixels_left_out"] == 1 and ds.attrs["clock"] == "zone stated"
    np.testing.assert_allclose(ds["time"], 1714979289.5 + 2.0 * np.arange(5))
    assert np.all(ds["temperature_header"] == 301.5)
    by = azimuthal.build_integrator(PLANE, 0, stack[0] < 2**31, polarisation=0.99)
    np.testing.assert_allclose(
        ds["intensity"][4].values, azimuthal.integrate_stack(by, stack[4:])[0][0], rtol=1e-9
    )


def test_synthetic_is_carried(tmp_path):
    tiff(tmp_path / "a_1.tif", np.full(SHAPE, 7, np.uint16), "synthetic demonstration data")
    assert integrate.integrate_images(tmp_path, FLAT, Integration()).attrs["synthetic"] == 1
