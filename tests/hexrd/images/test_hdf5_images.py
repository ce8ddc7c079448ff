"""Which arrays of an HDF5 file are images; masks and headers that belong to them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import hdf5_images, read
from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.options import ImageLimits

SHAPE = (20, 24)


def frames(number: int, start: int = 0) -> np.ndarray:
    """Frames whose counts tell them apart."""
    return np.arange(start, start + number, dtype=np.uint32)[:, None, None] * np.ones(
        SHAPE, np.uint32
    )


def read_all(path: Path, dataset: str = "") -> list[Image | BadInput]:
    return list(read.read_images(path, ImageLimits(), dataset))


def levels(path: Path, dataset: str = "") -> list[int]:
    found = read_all(path, dataset)
    assert all(isinstance(image, Image) for image in found), found
    return [int(image.counts[0, 0]) for image in found]


def write_bliss(folder: Path, scans: int = 2) -> Path:
    """A file as BLISS writes it: the images behind links, in files of their own."""
    with h5py.File(folder / "sample.h5", "w") as file:
        for scan in range(1, scans + 1):
            with h5py.File(folder / f"eiger_{scan}.h5", "w") as lima:
                lima["entry_0000/measurement/data"] = frames(3, 10 * scan)
            entry = file.create_group(f"{scan}.1")
            entry.attrs["NX_class"] = "NXentry"
            entry["instrument/eiger/image"] = h5py.ExternalLink(
                f"eiger_{scan}.h5", "/entry_0000/measurement/data"
            )
            entry["measurement/eiger"] = h5py.SoftLink(f"/{scan}.1/instrument/eiger/image")
            entry["measurement/mca"] = np.ones((500, 4096), np.uint16)
            entry["instrument/positioners/temperature"] = 100.0 * scan
            entry["instrument/positioners/temperature"].attrs["units"] = "degC"
    return folder / "sample.h5"


def test_images_behind_links_are_found(tmp_path: Path) -> None:
    path = write_bliss(tmp_path, scans=1)
    assert levels(path) == [10, 11, 12]


def test_of_several_scans_none_is_guessed(tmp_path: Path) -> None:
    (fault,) = read_all(write_bliss(tmp_path))
    assert "2 arrays of it hold images" in fault.problem
    assert "1.1/instrument/eiger/image (3 x 20 x 24)" in fault.problem
    assert "hexrd.integrate.dataset" in fault.remedy


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("2.1/measurement/eiger", [20, 21, 22]),
        ("/1.1/instrument/eiger/image", [10, 11, 12]),
        ("*/measurement/eiger", [10, 11, 12, 20, 21, 22]),
        ("1.1/*/e*", [10, 11, 12]),
    ],
)
def test_an_option_names_the_arrays(tmp_path: Path, dataset: str, expected: list[int]) -> None:
    path = write_bliss(tmp_path)
    assert levels(path, dataset) == expected


def test_scans_come_in_natural_order(tmp_path: Path) -> None:
    assert levels(write_bliss(tmp_path, scans=10), "*/measurement/eiger")[::3] == [
        10 * scan for scan in range(1, 11)
    ]


def test_a_header_is_that_of_its_own_scan(tmp_path: Path) -> None:
    found = read_all(write_bliss(tmp_path), "*/measurement/eiger")
    assert [image.header["temperature"] for image in found[::3]] == ["100.0 degC", "200.0 degC"]


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("3.1/measurement/eiger", "has no images under '3.1/measurement/eiger'"),
        ("1.1/instrument/positioners/temperature", "has no images under"),
        ("1.1/measurement/*", "images of several shapes"),
    ],
)
def test_what_is_not_there_is_told_with_the_choices(
    tmp_path: Path, dataset: str, said: str
) -> None:
    (fault,) = read_all(write_bliss(tmp_path), dataset)
    assert said in fault.problem and "measurement/eiger (3 x 20 x 24)" in fault.problem


def test_masks_and_flat_fields_are_no_images(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/detector/flatfield"] = np.ones(SHAPE, np.float32)
        file["scan/detector/pixel_mask"] = np.zeros(SHAPE, np.uint32)
        file["scan/detector/image"] = frames(1, 5)[0]
    assert levels(tmp_path / "a.h5") == [5]


def test_groups_that_lead_to_themselves_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/image"] = frames(2)
        file["scan/again"] = h5py.SoftLink("/scan")
        file["scan/nothing"] = h5py.SoftLink("/not/there")
    assert levels(tmp_path / "a.h5") == [0, 1]


def test_the_mask_of_an_eiger_master(tmp_path: Path) -> None:
    mask = np.zeros(SHAPE, np.uint32)
    mask[3, 4], mask[5, 6] = 1, 8
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data_000001"] = frames(2)
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = mask
        file["entry/other/pixel_mask"] = np.ones((2, 2), np.uint32)
    found = hdf5_images.read_pixel_mask(tmp_path / "a.h5", SHAPE, ImageLimits())
    assert np.array_equal(np.argwhere(found), [[3, 4], [5, 6]])
    assert hdf5_images.read_pixel_mask(tmp_path / "a.h5", (9, 9), ImageLimits()) is None
    masked = read.read_own_masks([tmp_path / "a.h5"], SHAPE, ImageLimits())
    assert np.array_equal(masked, found)


def test_without_a_mask_nothing_is_masked(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    paths: list[Any] = [tmp_path / "a.h5", tmp_path / "b.tif"]
    assert not read.read_own_masks(paths, SHAPE, ImageLimits()).any()
