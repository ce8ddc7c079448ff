"""What an HDF5 file leads to is checked before it is read: regular files are followed and listed,
all else is refused or told."""

import os
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import hdf5, raw_files
from ssbchar.storage.options import ReadingLimits


def write(path: Path, **arrays: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name.replace("__", "/")] = values
    return path


def test_links_to_regular_files_are_listed_with_their_digest(tmp_path: Path) -> None:
    part = write(tmp_path / "part.h5", data=np.arange(3))
    other = tmp_path / "elsewhere"
    other.mkdir()
    virtual = write(other / "source.h5", data=np.arange(4))
    master = tmp_path / "a_master.h5"
    with h5py.File(master, "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("part.h5", "/data")
        file["entry/again"] = h5py.ExternalLink(str(part), "/data")
        layout = h5py.VirtualLayout((4,), "i8")
        layout[:] = h5py.VirtualSource(str(virtual), "data", (4,))
        file.create_virtual_dataset("whole", layout)
        file["soft"] = h5py.SoftLink("/entry/data/data_000001")
    found = hdf5.find_linked_files(master)
    assert found.files == [part, virtual] and not found.missing
    table = raw_files.list_raw_files([master], [])
    assert list(table.path) == [p.as_posix() for p in (master, part, virtual)]
    assert list(table.sha256) == [raw_files.hash_file(p) for p in (master, part, virtual)]
    before = raw_files.stamp_files(master)
    time.sleep(0.01)
    os.utime(virtual)
    assert raw_files.stamp_files(master) != before


def test_numbers_stored_outside_of_the_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(np.arange(100.0).tobytes())
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        outside = [(str(tmp_path / "secret"), 0, 800)]
        file.create_dataset("deep/inside/data", (100,), float, external=outside)
    with pytest.raises(BadInput, match="stored outside of HDF5"), hdf5.open_checked(path):
        raise AssertionError("it was opened")
    by_link = tmp_path / "b.h5"
    with h5py.File(by_link, "w") as file:
        file["x"] = h5py.ExternalLink("a.h5", "/deep/inside/data")
    with pytest.raises(BadInput, match="stored outside of HDF5"), hdf5.open_checked(by_link):
        raise AssertionError("it was opened")
    # The manifest lists the file itself all the same.
    assert len(raw_files.list_raw_files([path], [])) == 1


@pytest.mark.parametrize("kind", ["link", "virtual"])
def test_a_link_to_what_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        if kind == "link":
            file["x"] = h5py.ExternalLink("pipe.h5", "/data")
        else:
            layout = h5py.VirtualLayout((4,), "i8")
            layout[:] = h5py.VirtualSource("pipe.h5", "data", (4,))
            file.create_virtual_dataset("x", layout)
    with pytest.raises(BadInput, match=r"pipe\.h5: is a FIFO"), hdf5.open_checked(path):
        raise AssertionError("it was opened")


def test_files_that_lead_to_each_other_end(tmp_path: Path) -> None:
    for name, to in (("a.h5", "b.h5"), ("b.h5", "a.h5")):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = h5py.ExternalLink(to, "/x")
    assert hdf5.find_linked_files(tmp_path / "a.h5").files == [tmp_path / "b.h5"]


def test_a_chain_of_files_and_groups_has_an_end(tmp_path: Path) -> None:
    for number in range(6):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["x"] = h5py.ExternalLink(f"{number + 1}.h5", "/x")
    write(tmp_path / "6.h5", x=1)
    assert len(hdf5.find_linked_files(tmp_path / "0.h5").files) == 6
    with pytest.raises(BadInput, match=r"limits\.depth"):
        hdf5.find_linked_files(tmp_path / "0.h5", ReadingLimits(depth=3))
    deep = write(tmp_path / "deep.h5", **{"__".join("abcdefgh"): 1})
    with pytest.raises(BadInput, match="groups are nested"):
        hdf5.find_linked_files(deep, ReadingLimits(depth=4))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/x"] = h5py.ExternalLink("gone.h5", "/x")
        file["loop"] = h5py.SoftLink("/loop")
    assert hdf5.find_linked_files(path).missing == {"entry/x": "gone.h5"}


def test_an_array_far_larger_than_what_it_is_stored_in_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("never_written", (10**6, 10**3), float, chunks=(1, 1000))
        file.create_dataset("small", (1000,), float, compression="gzip", data=np.zeros(1000))
    with h5py.File(path) as file:
        hdf5.check_array(path, file["small"], ReadingLimits())
        with pytest.raises(BadInput, match=r"limits\.unpacked_size"):
            hdf5.check_array(path, file["never_written"], ReadingLimits())
        with pytest.raises(BadInput, match=r"from 0 MB to 8 GB, .*limits\.unpacked_ratio"):
            hdf5.check_array(path, file["never_written"], ReadingLimits(unpacked_size=1e5))


def test_a_virtual_array_is_stored_in_its_sources(tmp_path: Path) -> None:
    source = write(tmp_path / "source.h5", data=np.arange(10**4))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((10**4,), "i8")
        layout[:] = h5py.VirtualSource(str(source), "data", (10**4,))
        file.create_virtual_dataset("x", layout)
    with h5py.File(path) as file:
        hdf5.check_array(path, file["x"], ReadingLimits(unpacked_ratio=2))
