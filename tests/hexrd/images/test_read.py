"""Image files as detectors write them: cut short, linked, with times, units, hot pixels and
cut-offs."""

import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hexrd.made_images import FLAT, PLANE, SHAPE, tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, integrate, read
from ssbchar.hexrd.images.options import ImageLimits, Integration
from ssbchar.storage.options import ReadingLimits


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


def test_pairs_in_the_description_of_a_tiff(tmp_path):
    text = f"sample: LAGP; no pair; {'long ' * 8}name: 3; Frame: 7; ratio: 1: 2"
    (image,) = read.read_images(tiff(tmp_path / "a.tif", np.ones(SHAPE, np.uint16), text))
    assert image.header["sample"] == "LAGP" and image.header["frame"] == "7"
    assert image.header["ratio"] == "1: 2" and image.header["date"] == "2024:05:06 07:08:09"
    assert not any(name.startswith("long") for name in image.header)
    assert "no pair" not in image.header


@pytest.mark.parametrize(("length", "kept"), [(39, True), (40, False)])
def test_names_of_forty_letters_are_sentences(tmp_path, length, kept):
    path = tiff(tmp_path / "a.tif", np.ones(SHAPE, np.uint16), f"{'n' * length}: 5")
    (image,) = read.read_images(path)
    assert ("n" * length in image.header) == kept


def test_values_beside_an_image(tmp_path):
    path = tiff(tmp_path / "a.tif", np.ones(SHAPE, np.uint16))
    text = '[metadata]\nUserComment="LAGP = 1"\ntimeStamp=12.5\nno pair\n'
    (tmp_path / "a.tif.metadata").write_text(text)
    (image,) = read.read_images(path)
    assert image.header["usercomment"] == "LAGP = 1" and image.header["timestamp"] == "12.5"
    assert "no pair" not in image.header and image.source == "a.tif"


def test_the_largest_array_of_a_file_without_an_entry(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["small"] = np.ones((3, 4))
        file["group/stack"] = np.arange(120).reshape(2, 10, 6)
        file["line"] = np.ones(500)
        file["cube"] = np.ones((5, 5, 5, 5))
        file.attrs["Start_Time"] = "2024-05-06T07:08:09"
        file["scan/number"] = 12
    found = list(read.read_images(tmp_path / "a.h5"))
    assert [image.counts.shape for image in found] == [(10, 6)] * 2
    assert [image.source for image in found] == ["a.h5#1", "a.h5#2"]
    assert [image.header["frame_in_file"] for image in found] == ["1", "2"]
    assert found[1].header["start_time"] == "2024-05-06T07:08:09"
    assert found[1].header["number"] == "12"


def test_a_single_plane_and_no_plane_at_all(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = np.ones((4, 5))
    (image,) = read.read_images(tmp_path / "a.h5")
    assert image.counts.shape == (4, 5)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["line"] = np.ones(5)
    (fault,) = read.read_images(tmp_path / "b.h5")
    assert fault.problem == "holds no image"


def test_frames_of_an_edf_are_numbered(tmp_path):
    import fabio

    one = fabio.edfimage.EdfImage(data=np.full(SHAPE, 3, np.int32), header={"temp": "25"})
    one.append_frame(data=np.full(SHAPE, 4, np.int32), header={"temp": "30"})
    one.write(str(tmp_path / "a.edf"))
    found = list(read.read_images(tmp_path / "a.edf"))
    assert [image.source for image in found] == ["a.edf#1", "a.edf#2"]
    assert [image.header["temp"] for image in found] == ["25", "30"]
    assert [int(image.counts[0, 0]) for image in found] == [3, 4]
    whole = (tmp_path / "a.edf").read_bytes()
    (tmp_path / "b.edf").write_bytes(whole[:-1])
    (fault,) = read.read_images(tmp_path / "b.edf")
    assert fault.problem == f"the file is cut short ({len(whole) - 1} bytes)"


def test_images_of_a_folder_in_natural_order(tmp_path):
    for name in ("a_10.tif", "a_9.TIF", "log.txt", "run_master.h5", "run_data_000001.h5"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "other_data_000001.h5").write_bytes(b"x")
    names = [path.name for path in read.find_image_files(tmp_path)]
    assert names == ["a_9.TIF", "a_10.tif", "other_data_000001.h5", "run_master.h5"]


@pytest.mark.parametrize(("shape", "is_image"), [((1, 1), True), ((0, 5), False), ((3,), False)])
def test_a_frame_without_a_pixel_is_none(shape, is_image):
    frame = SimpleNamespace(nframes=1, header={"Temp": 25}, data=np.ones(shape))
    found = read._read_fabio_frame(frame, 0, Path("a.edf"), {"temp": "9", "flux": "7"})
    assert isinstance(found, read.Image) == is_image
    if is_image:
        assert found.header == {"temp": "25", "flux": "7"} and found.source == "a.edf"
    else:
        assert found.problem == "holds no image (damaged or cut short)"


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.cbf").write_bytes(b"")
    (fault,) = read.read_images(tmp_path / "a.cbf")
    assert fault.problem == "the file is empty"


def test_where_the_data_of_a_file_end(tmp_path):
    """By its headers: of a CBF 6 bytes behind the mark, of an EDF each frame's own."""
    cbf = tmp_path / "a.cbf"
    head = b"X-Binary-Size: 6\n" + read.CBF_START_OF_DATA
    cbf.write_bytes(head + b"123456")
    assert read._find_end_of_cbf(cbf, 99) == len(head) + 6
    cbf.write_bytes(b"X-Binary-Size: 6\n")
    assert read._find_end_of_cbf(cbf, 17) == 18
    cbf.write_bytes(read.CBF_START_OF_DATA + b"123456")
    assert read._find_end_of_cbf(cbf, 10) == 11
    edf = tmp_path / "a.edf"
    first, second = b"{ Size = 4 ;\n}\n", b"{ EDF_BinarySize = 2 ;\n}\n"
    whole = first + b"1234" + second + b"12"
    edf.write_bytes(whole)
    assert read._find_end_of_edf(edf, len(whole)) == len(whole)
    assert read._find_end_of_edf(edf, len(whole) - 1) == len(whole)
    edf.write_bytes(whole[: len(first) + 4 + 5])
    assert read._find_end_of_edf(edf, len(first) + 9) == len(first) + 10


def test_numbers_of_hdf5_keep_their_units(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = np.full((1, *SHAPE), 7, np.uint16)
        for name, value, unit in (("detector_distance", 200.0, "mm"), ("temperature", 301.5, "K")):
            file[f"entry/{name}"] = value
            file[f"entry/{name}"].attrs["units"] = unit
    (image,) = read.read_images(tmp_path / "a.h5")
    assert image.header["detector_distance"] == "200.0 mm"
    ds = integrate.integrate_images(tmp_path, FLAT, Integration(hot_pixel_sigma=0))
    np.testing.assert_allclose(ds["temperature_header"], [28.35])
    assert "assumed" not in ds.attrs


def write_master(folder: Path, missing: int) -> Path:
    """Write an Eiger master of three data files of two frames, one of which is not there."""
    with h5py.File(folder / "run_master.h5", "w") as master:
        for number in (1, 2, 3):
            name = f"run_data_{number:06d}.h5"
            master[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
            if number != missing:
                with h5py.File(folder / name, "w") as file:
                    file["entry/data/data"] = np.full((2, *SHAPE), number, np.int32)
    return folder / "run_master.h5"


@pytest.mark.parametrize(
    ("missing", "numbers"), [(0, "123456"), (1, "3456"), (2, "1256"), (3, "1234")]
)
def test_a_missing_part_of_a_series_is_told_and_the_rest_is_used(tmp_path, missing, numbers):
    found = list(read.read_images(write_master(tmp_path, missing)))
    frames = [one for one in found if isinstance(one, read.Image)]
    faults = [one for one in found if isinstance(one, BadInput)]
    assert [frame.header["frame_in_file"] for frame in frames] == list(numbers)
    assert len(faults) == bool(missing)
    if missing:
        assert f"data_{missing:06d}' of run_data_{missing:06d}.h5 is not there" in faults[0].problem


def test_an_image_of_too_many_pixels_is_refused_by_its_header(tmp_path):
    import fabio

    limits = ImageLimits(pixels=300)
    counts = np.ones((20, 20), np.int32)
    for name, kind in (("a.edf", fabio.edfimage.EdfImage), ("a.cbf", fabio.cbfimage.CbfImage)):
        kind(data=counts).write(str(tmp_path / name))
    tiff(tmp_path / "a.tif", counts.astype(np.uint16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = counts
    for name in ("a.edf", "a.cbf", "a.tif", "a.h5"):
        (fault,) = read.read_images(tmp_path / name, limits)
        assert fault.problem == "an image has 20 x 20 pixels, more than the 300 allowed", name
        assert fault.remedy.endswith("hexrd.integrate.limits.pixels")
        assert isinstance(next(read.read_images(tmp_path / name)), read.Image)


@pytest.mark.parametrize("old", [b"Second-Dimension: 20", b"Number-of-Elements: 400"])
def test_a_header_that_announces_a_huge_image_fills_no_memory(tmp_path, old):
    import fabio

    fabio.cbfimage.CbfImage(data=np.ones((20, 20), np.int32)).write(str(tmp_path / "a.cbf"))
    whole = (tmp_path / "a.cbf").read_bytes()
    assert old in whole
    (tmp_path / "a.cbf").write_bytes(whole.replace(old, old.split(b" ")[0] + b" 99999999999"))
    (found,) = read.read_images(tmp_path / "a.cbf")
    if isinstance(found, read.Image):  # fabio does without that number
        assert np.array_equal(found.counts, np.ones((20, 20)))


def test_a_cbf_in_which_fabio_searches_for_ever_is_told_at_once(tmp_path):
    import fabio

    fabio.cbfimage.CbfImage(data=np.ones(SHAPE, np.int32)).write(str(tmp_path / "a.cbf"))
    whole = (tmp_path / "a.cbf").read_bytes()
    (tmp_path / "a.cbf").write_bytes(whole.replace(b"--CIF-BINARY", b"--CXF-BINARY"))
    begin = time.monotonic()
    (fault,) = read.read_images(tmp_path / "a.cbf")
    assert "header is damaged" in fault.problem
    assert time.monotonic() - begin < ReadingLimits().time  # not the watchdog found it


def test_what_searches_for_ever_is_stopped(tmp_path, monkeypatch):
    import fabio

    def search(_: str) -> None:
        while True:
            sum(range(1000))

    monkeypatch.setattr(fabio, "open", search)
    path = tiff(tmp_path / "a.tif", np.ones(SHAPE, np.uint16))
    (fault,) = read.read_images(path, ImageLimits(time=0.3))
    assert "did not end within" in fault.problem and "hexrd.integrate.limits.time" in fault.remedy


def test_data_that_do_not_match_their_checksum_are_told(tmp_path):
    import fabio

    path = tmp_path / "a.cbf"
    fabio.cbfimage.CbfImage(data=np.arange(400, dtype=np.int32).reshape(20, 20)).write(str(path))
    content = bytearray(path.read_bytes())
    begin = content.index(read.CBF_START_OF_DATA)
    content[begin + 100] ^= 1
    path.write_bytes(content)
    (fault,) = read.read_images(path)
    assert fault.problem == "its data do not match their checksum"


def test_an_exception_that_nobody_foresaw_costs_its_frame_alone(tmp_path, monkeypatch):
    sound = read._read_fabio_frame

    def divide(file: object, number: int, path: Path, beside: object) -> object:
        return 1 / 0 if path.name == "b.tif" else sound(file, number, path, beside)

    monkeypatch.setattr(read, "_read_fabio_frame", divide)
    for name in ("a.tif", "b.tif"):
        tiff(tmp_path / name, np.ones(SHAPE, np.uint16))
    assert isinstance(next(read.read_images(tmp_path / "a.tif")), read.Image)
    (fault,) = read.read_images(tmp_path / "b.tif")
    assert "division by zero" in fault.problem


@pytest.mark.parametrize("kind", ["folder", "fifo", "link"])
@pytest.mark.parametrize("suffix", ["tif", "cbf", "h5"])
def test_what_is_no_file_is_told_once(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    frames = list(itertools.islice(read.read_images(path), 3))
    assert len(frames) == 1 and isinstance(frames[0], BadInput)


@pytest.mark.parametrize("packed", ["gz", "bz2"])
@pytest.mark.parametrize("kind", ["tif", "cbf", "edf"])
def test_compressed_images_are_read_under_their_own_name(tmp_path, kind, packed):
    import bz2
    import gzip

    counts = np.arange(12, dtype=np.int32).reshape(3, 4)
    whole = write_as(tmp_path / f"a.{kind}", counts).read_bytes()
    (tmp_path / f"a.{kind}").unlink()
    pack = gzip.compress if packed == "gz" else bz2.compress
    path = tmp_path / f"a.{kind}.{packed}"
    path.write_bytes(pack(whole))
    assert read.find_image_files(tmp_path) == [path]
    (image,) = read.read_images(path)
    assert np.array_equal(image.counts, counts) and image.source == path.name
    path.write_bytes(pack(whole)[:-12])
    (fault,) = read.read_images(path)
    assert "cannot be unpacked" in fault.problem and fault.where == str(path)
    path.write_bytes(pack(whole[: len(whole) // 2]))
    (fault,) = read.read_images(path)
    assert fault.where == str(path)


def test_a_bomb_is_told_before_it_fills_the_memory(tmp_path):
    import bz2

    (tmp_path / "a.tif.bz2").write_bytes(bz2.compress(b"II*\x00" + bytes(200_000_000)))
    (fault,) = read.read_images(tmp_path / "a.tif.bz2")
    assert "unpacks" in fault.problem and "unpacked_ratio" in fault.remedy


def test_arrays_of_numpy(tmp_path):
    stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", stack[0])
    np.save(tmp_path / "b.npy", stack)
    np.save(tmp_path / "c.npy", np.arange(4))
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "e.npy").write_bytes((tmp_path / "b.npy").read_bytes()[:-8])
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "f.npy").write_bytes(whole.replace(b"}", b" "))
    (tmp_path / "g.npy").write_bytes(whole.replace(b"'shape':", b"'shape\0:"))
    (tmp_path / "h.npy").write_bytes(b"PK\x03\x04" + whole)
    (image,) = read.read_images(tmp_path / "a.npy")
    assert np.array_equal(image.counts, stack[0]) and image.source == "a.npy"
    found = list(read.read_images(tmp_path / "b.npy"))
    assert [image.source for image in found] == ["b.npy#1", "b.npy#2"]
    assert np.array_equal(found[1].counts, stack[1])
    for name, said in (
        ("c", "int64 of shape 4, no image"),
        *((damaged, "not a") for damaged in "defgh"),
    ):
        (fault,) = read.read_images(tmp_path / f"{name}.npy")
        assert said in fault.problem


@pytest.mark.parametrize("name", ["a.mar2300", "a.mar3450.gz", "a.ge", "a.GE1", "a.ge4", "a.sfrm"])
def test_names_of_detectors_are_images(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / "notes.margin").write_bytes(b"x")
    assert [path.name for path in read.find_image_files(tmp_path)] == [name]


def test_an_image_of_another_shape_is_refused(tmp_path):
    image = tiff(tmp_path / "a_1.tif", np.full((6, 5), 7, np.uint16))
    assert np.all(read.read_image_of_shape(image, (6, 5), "dark") == 7)
    with pytest.raises(BadInput, match=r"the dark has \(6, 5\) pixels, the images \(5, 6\)"):
        read.read_image_of_shape(image, (5, 6), "dark")
    with pytest.raises(BadInput, match="the dark image does not exist"):
        read.read_image_of_shape(tmp_path / "nowhere.tif", (6, 5), "dark")
    (tmp_path / "empty.tif").touch()
    with pytest.raises(BadInput, match="the file is empty"):
        read.read_image_of_shape(tmp_path / "empty.tif", (6, 5), "dark")
