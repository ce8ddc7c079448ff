"""Numbers of Bruker's files: types, rows, byte order, group delay."""

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import files
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.nmr.bruker.options import ExperimentLimits, Reading
from ssbchar.nmr.bruker.read import read_fid
from ssbchar.storage import reading

COUNTS = np.arange(1, 401) * 7 - 1200


def write(folder: Path, rows: np.ndarray, name: str = "ser", pad: int = 0, td2: int = 0) -> Path:
    """Write rows of int32, each followed by `pad` zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    np.hstack([rows, np.zeros((len(rows), pad))]).astype("<i4").tofile(folder / name)
    if td2:
        (folder / "acqu2s").write_text(f"##TITLE= x\n##$TD= {td2}\n##END=\n")
    return folder


def read(folder: Path, **acqus: object) -> files.Decays:
    given = {"BYTORDA": 0, "TD": 100, **acqus}
    return files.read_decays(Experiment(folder=folder, shown=folder), given)


def test_number_types() -> None:
    assert files.number_type(0, False) == np.dtype("<i4")
    assert files.number_type(1, False) == np.dtype(">i4")
    assert files.number_type(0, True) == np.dtype("<f8")
    assert files.number_type(1, True) == np.dtype(">f8")


def test_padded_rows_of_a_series(tmp_path: Path) -> None:
    rows = COUNTS.reshape(4, 100)
    found = read(write(tmp_path, rows, pad=156, td2=4))
    assert found.planned == 4
    assert np.array_equal(found.points, rows[:, ::2] + 1j * rows[:, 1::2])


def test_packed_rows_of_a_series(tmp_path: Path) -> None:
    rows = COUNTS.reshape(4, 100)
    found = read(write(tmp_path, rows, td2=4))
    assert np.array_equal(found.points, rows[:, ::2] + 1j * rows[:, 1::2])


def test_a_series_without_its_second_parameter_file(tmp_path: Path) -> None:
    rows = COUNTS.reshape(4, 100)
    found = read(write(tmp_path, rows, pad=156))
    assert (found.planned, len(found.points)) == (4, 4)


def test_a_series_that_broke_off_keeps_its_whole_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, COUNTS.reshape(4, 100), pad=156, td2=4)
    whole = (folder / "ser").read_bytes()
    (folder / "ser").write_bytes(whole[: 2 * 1024 + 400])  # two rows and exactly the third
    assert len(read(folder).points) == 3
    (folder / "ser").write_bytes(whole[: 2 * 1024 + 399])
    found = read(folder)
    assert (len(found.points), found.planned) == (2, 4)


@pytest.mark.parametrize(("exponent", "factor"), [(3, 8.0), (-2, 0.25), (0, 1.0)])
def test_numbers_are_scaled_by_two_to_the_nc(tmp_path: Path, exponent: int, factor: float) -> None:
    found = read(write(tmp_path, COUNTS[None, :100], "fid"), NC=exponent)
    assert found.points[0, 0] == factor * complex(COUNTS[0], COUNTS[1])


def test_an_odd_td_leaves_its_last_number(tmp_path: Path) -> None:
    assert read(write(tmp_path, COUNTS[None, :101], "fid"), TD=101).points.shape == (1, 50)


@pytest.mark.parametrize("td", [0, 1])
def test_a_td_without_a_point(tmp_path: Path, td: int) -> None:
    with pytest.raises(BadInput, match=f"TD is {td}"):
        read(write(tmp_path, COUNTS[None, :100], "fid"), TD=td)


def test_the_shortest_decay_is_one_point(tmp_path: Path) -> None:
    assert read(write(tmp_path, COUNTS[None, :2], "fid"), TD=2).points.shape == (1, 1)


@pytest.mark.parametrize("kind", ["<i4", "<f8"])
def test_sound_numbers_pass_and_swapped_ones_do_not(kind: str) -> None:
    numbers = (1000.0 * np.sin(np.arange(6000.0))).astype(kind)
    files.check_byte_order(numbers[None], Path("fid"), "BYTORDA")
    with pytest.raises(BadInput, match="other byte order"):
        files.check_byte_order(numbers.byteswap()[None], Path("fid"), "BYTORDA")


def test_zeros_and_single_large_numbers_are_no_wrong_order() -> None:
    files.check_byte_order(np.zeros((1, 100), "<i4"), Path("fid"), "BYTORDA")
    files.check_byte_order(np.zeros((1, 100), "<f8"), Path("fid"), "BYTORDA")
    files.check_byte_order(np.full((1, 100), 2.0**50), Path("fid"), "BYTORDA")


@pytest.mark.parametrize(
    ("acqus", "delay"),
    [
        ({"GRPDLY": 0.0, "DECIM": 4, "DSPFVS": 10}, 0.0),
        ({"GRPDLY": 67.98}, 67.98),
        ({"DECIM": 2, "DSPFVS": 10}, 44.7500),  # from Bruker's table
        ({"DECIM": 1, "DSPFVS": 10}, 0.0),
        ({"DECIM": 4, "DSPFVS": 0}, 0.0),
        ({"DECIM": 2, "DSPFVS": 13}, 2.75),
    ],
)
def test_group_delay(acqus: dict[str, float], delay: float) -> None:
    assert files.group_delay_from_parameters(acqus) == pytest.approx(delay)


def test_a_filter_without_an_entry_is_refused() -> None:
    with pytest.raises(BadInput, match="DSPFVS 10, DECIM 5000"):
        files.group_delay_from_parameters({"DECIM": 5000, "DSPFVS": 10})


def test_a_wrong_order_is_told_by_a_fraction_of_a_long_file() -> None:
    """Noise in every point, counts of a few thousand: swapped they spread over the whole range."""
    noise = np.random.default_rng(1).normal(0.0, 2000.0, (1, 200_000)).astype("<i4")
    files.check_byte_order(noise, Path("fid"), "BYTORDA")
    with pytest.raises(BadInput, match="correct BYTORDA"):
        files.check_byte_order(noise.byteswap(), Path("fid"), "BYTORDA")


def test_floating_point_numbers_of_the_other_order_are_refused() -> None:
    swapped = np.linspace(1.0, 2.0, 1000).byteswap()[None]
    with pytest.raises(BadInput):
        files.check_byte_order(swapped, Path("fid"), "BYTORDA")


def test_large_and_small_counts_of_the_right_order_pass() -> None:
    for scale in (3.0, 1e3, 1e6, 2e9):
        counts = (scale * np.sin(np.arange(1.0, 5000.0))).astype("<i4")
        files.check_byte_order(counts[None], Path("fid"), "BYTORDA")


@pytest.mark.parametrize(("middle", "beyond"), [(0.0, 0.0), (59.0, 0.0), (63.0, 3.0), (-63.0, 3.0)])
def test_implausible_are_exponents_that_spread_or_lie_beyond_sixty(
    middle: float, beyond: float
) -> None:
    """Exponents -1 and 1 about their middle have a standard deviation of one."""
    values = 2.0 ** (middle + np.array([-1.0, 1.0, -1.0, 1.0]))
    assert files._implausibility(values) == pytest.approx(1.0 + beyond, rel=1e-12)


def test_implausible_integers_are_large_ones() -> None:
    """log2(root mean square + 1): of 3 everywhere 2, of nothing but zeros 0."""
    assert files._implausibility(np.full(10, 3)) == pytest.approx(2.0)
    assert files._implausibility(np.array([3, -3])) == pytest.approx(2.0)
    assert files._implausibility(np.zeros(10, int)) == 0.0
    assert files._implausibility(np.zeros(10)) == 0.0


def test_a_fid_holds_one_decay_however_long_the_file(tmp_path: Path) -> None:
    found = read(write(tmp_path, COUNTS[None, :250], "fid"))
    assert (found.planned, found.points.shape) == (1, (1, 50))


def test_two_rows_are_two_decays(tmp_path: Path) -> None:
    rows = COUNTS.reshape(4, 100)[:2]
    found = read(write(tmp_path, rows, pad=156, td2=2))
    assert np.array_equal(found.points, rows[:, ::2] + 1j * rows[:, 1::2])


@pytest.mark.parametrize(("off", "refused"), [(1.9, False), (2.0, False), (2.1, True)])
def test_the_other_order_is_right_where_it_is_four_times_as_likely(
    monkeypatch, off: float, refused: bool
) -> None:
    """Powers of two by which the numbers as read are larger than with their bytes swapped."""
    raw = np.ones((1, 10), "<i4")
    monkeypatch.setattr(files, "_implausibility", lambda n: 10.0 + off * (n[0] == 1))
    if refused:
        with pytest.raises(BadInput, match="other byte order"):
            files.check_byte_order(raw, Path("fid"), "BYTORDA")
    else:
        files.check_byte_order(raw, Path("fid"), "BYTORDA")


@pytest.mark.parametrize(("size", "looked_at"), [(4000, 4000), (8000, 2667), (12000, 4000)])
def test_byte_order_is_told_by_some_four_thousand_numbers(
    monkeypatch, size: int, looked_at: int
) -> None:
    """Every third of 8000 and of 12000: an odd step takes real and imaginary parts in turn."""
    seen = []

    def count(numbers: np.ndarray) -> float:
        seen.append(numbers.size)
        return 0.0

    monkeypatch.setattr(files, "_implausibility", count)
    files.check_byte_order(np.ones((2, size // 2), "<i4"), Path("fid"), "BYTORDA")
    assert seen == [looked_at] * 2


@pytest.mark.parametrize(("bad", "unlikely"), [(1, False), (2, True)])
def test_one_number_of_a_hundred_may_be_not_finite(bad: int, unlikely: bool) -> None:
    values = np.append(np.full(100 - bad, 8.0), np.full(bad, np.nan))
    assert np.isinf(files._implausibility(values)) == unlikely


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def test_only_what_is_needed_of_a_zip_is_unpacked(tmp_path: Path) -> None:
    members = {"10/acqus": b"##$TD= 2", "10/fid": b"12345678", "10/video.mp4": bytes(1000)}
    path = write_zip(tmp_path / "a.zip", {**members, "../../up": b"x", "10/lists/vd/t1": b"1"})
    with files.open_experiment(path) as experiment:
        assert experiment.folder.name == "10"
        found = sorted(p.name for p in experiment.folder.rglob("*") if p.is_file())
        assert found == ["acqus", "fid", "t1"]
        where = experiment.folder
    assert not where.exists()


def test_a_zip_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ALWAYS_ALLOWED", 1e6)
    path = write_zip(tmp_path / "a.zip", {"acqus": b"##$TD= 2", "ser": bytes(5_000_000)})
    with pytest.raises(BadInput, match=r"unpacks .*allowed.*nmr\.read\.limits\.unpacked_size"):
        with files.open_experiment(path, ExperimentLimits(unpacked_size=1)):
            raise AssertionError("it was unpacked")
    with pytest.raises(BadInput, match=r"nmr\.read\.limits\.unpacked_ratio"):
        with files.open_experiment(path, ExperimentLimits(unpacked_ratio=500)):
            raise AssertionError("it was unpacked")
    deep = write_zip(tmp_path / "b.zip", {f"{'a/' * 40}acqus": b"##$TD= 2"})
    with pytest.raises(BadInput, match="nested 40 deep"), files.open_experiment(deep):
        raise AssertionError("it was unpacked")


@pytest.mark.parametrize(
    ("acqus", "said"),
    [
        ({"TD": 2 * 10**9}, "TD / 2 is 1000000000, more than the 10000000 allowed"),
        ({"TD": "many"}, "TD is many"),
        ({"TD": float("inf")}, "TD is inf"),
        ({"TD": None}, "TD is None"),
        ({"BYTORDA": 7}, "BYTORDA is 7"),
        ({"DTYPA": 5}, "DTYPA is 5"),
        ({"NC": 10**9}, "NC is 1000000000"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(
    tmp_path: Path, acqus: dict[str, object], said: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        read(write(tmp_path, COUNTS[None, :100], "fid"), **acqus)


def test_a_number_of_slices_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"acqu2s: TD is 1000000000, more than the 1000000 allowed"):
        read(write(tmp_path, COUNTS.reshape(4, 100), td2=10**9))


def test_what_a_file_holds_beyond_its_slices_is_counted(tmp_path: Path) -> None:
    assert read(write(tmp_path, COUNTS.reshape(4, 100), td2=4)).surplus == 0
    found = read(write(tmp_path, COUNTS.reshape(4, 100), pad=156, td2=2))
    assert (len(found.points), found.surplus) == (2, 2 * 256 + 156)


def test_a_file_that_is_no_regular_one_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pulseprogram")
    assert files.read_text(tmp_path / "pulseprogram") == ""
    os.mkfifo(tmp_path / "a.zip")
    assert not files.has_spectrum(tmp_path / "a.zip")


def test_parameters_that_are_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "acqus")
    with pytest.raises(BadInput, match="acqus: is no regular file; copy the file again"):
        files.read_parameters(tmp_path / "acqus", Path("experiment"))


@pytest.mark.parametrize("version", [14, 20, 21])
def test_a_filter_without_table_needs_its_group_delay(version: int) -> None:
    for stated in ({}, {"GRPDLY": -1.0}):
        with pytest.raises(BadInput, match=f"GRPDLY is not stated.* DSPFVS {version}"):
            files.group_delay_from_parameters({"DECIM": 4, "DSPFVS": version} | stated)
    analogue = {"DECIM": 1, "DSPFVS": version, "GRPDLY": -1.0}
    assert files.group_delay_from_parameters(analogue) == 0.0


def decay_points(points: int = 512) -> np.ndarray:
    rng = np.random.default_rng(3)
    time = np.arange(points)
    clean = 2e5 * np.exp((0.3j - 0.01) * time)
    return clean + 50 * (rng.normal(size=points) + 1j * rng.normal(size=points))


@pytest.mark.parametrize(
    ("kind", "stated", "problem"),
    [
        ("<f4", 0, "int32, and the numbers look like float32"),
        (">f4", 0, "int32, and the numbers look like float32"),
        ("<f8", 0, "int32, and the numbers look like float64"),
        ("<i4", 2, "holds 1024 numbers|holds 512 numbers"),
        ("<f4", 1, "DTYPA is 1; read are 0 .int32. and 2 .float64."),
        ("<i4", 0, None),
        ("<f8", 2, None),
    ],
)
def test_numbers_of_another_type_than_stated_are_refused(tmp_path, kind, stated, problem) -> None:
    """They were read as what they are not, without a word."""
    folder = signals.write_bruker(
        tmp_path / "1", decay_points(), kind=kind, acqus={"DTYPA": stated}
    )
    if problem is None:
        found = read_fid(folder, Reading())
        assert np.abs(found["real"].values[0] - decay_points().real).max() < 1.0
        return
    with pytest.raises(BadInput, match=problem) as refusal:
        read_fid(folder, Reading())
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(("mode", "name"), [(0, "qf"), (2, "qseq")])
def test_points_of_one_channel_are_refused(tmp_path, mode: int, name: str) -> None:
    folder = signals.write_bruker(tmp_path / "1", decay_points(), acqus={"AQ_mod": mode})
    with pytest.raises(BadInput, match=f"AQ_mod is {mode} .{name}."):
        read_fid(folder, Reading())
