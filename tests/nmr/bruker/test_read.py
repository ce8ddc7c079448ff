"""Bruker files written by the tests are read back exactly; what is wrong with a file is said in one
line."""

import json
import shutil

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.nmr.bruker import delays, files, read
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.options import LineFitOptions

RNG = np.random.default_rng(5)
POINTS = np.rint(1e6 * (RNG.normal(size=(3, 200)) + 1j * RNG.normal(size=(3, 200))))


@pytest.mark.parametrize("kind", ["<i4", ">i4", "<f8", ">f8"])
@pytest.mark.parametrize("slices", [1, 3])
def test_round_trip(tmp_path, kind: str, slices: int) -> None:
    folder = signals.write_bruker(
        tmp_path / "1", POINTS[:slices], kind=kind, vdlist="10u\n20u\n1m\n"
    )
    ds = read.read_fid(folder, Reading(), {"role": "decay" if slices > 1 else "spectrum"})
    assert np.array_equal(ds["real"].values + 1j * ds["imag"].values, POINTS[:slices])
    expected = [2 * t + 3.234e-6 for t in (1e-5, 2e-5, 1e-3)][:slices]
    assert ds["decay_time"].values == pytest.approx(expected)
    assert ds["time"].values[[0, 1]] == pytest.approx([0.0, 1e-6])
    assert ds.attrs["echo_delay"] == pytest.approx(1e-5)


def test_nmrglue_reads_the_same_points(tmp_path) -> None:
    import nmrglue

    folder = signals.write_bruker(
        tmp_path / "1", POINTS, vdlist="10u\n20u\n1m\n", acqus={"AQ_mod": 3}
    )
    _, theirs = nmrglue.bruker.read(
        str(folder), read_pulseprogram=False, shape=(3, 256), cplex=True
    )
    ours = read.read_fid(folder, Reading(), {"role": "decay"})
    assert np.array_equal(np.asarray(theirs)[:, :200], (ours["real"] + 1j * ours["imag"]).values)


def test_exponent_of_the_numbers_and_group_delay(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0], acqus={"NC": -3, "GRPDLY": 67.5})
    ds = read.read_fid(folder, Reading(), {})
    assert ds["real"].values[0] == pytest.approx(POINTS[0].real / 8)
    assert ds["time"].values[0] == pytest.approx(-67.5e-6)


@pytest.mark.parametrize(
    ("acqus", "delay"),
    [
        ({"GRPDLY": -1, "DECIM": 1, "DSPFVS": 12}, 0.0),
        ({"GRPDLY": -1, "DECIM": 4, "DSPFVS": 10}, 66.625),
    ],
)
def test_group_delay_without_grpdly(acqus: dict, delay: float) -> None:
    assert files.group_delay_from_parameters(acqus) == pytest.approx(delay)


def test_zipped_folder(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "in" / "7", POINTS[0])
    packed = shutil.make_archive(str(tmp_path / "7"), "zip", tmp_path / "in")
    plain, zipped = (read.read_fid(p, Reading(), {}) for p in (folder, type(folder)(packed)))
    assert plain.equals(zipped)


def test_synthetic_title_is_marked(tmp_path) -> None:
    ds = read.read_fid(
        signals.write_bruker(tmp_path / "1", POINTS[0], title="Synthetic echo"), Reading(), {}
    )
    assert ds.attrs["synthetic"] == 1


def test_shift_axis(tmp_path) -> None:
    y = signals.signal((1.0,), (37.0,), (50.0,)) * 1e8
    folder = signals.write_bruker(tmp_path / "1", y, sf=311.0)
    fit = lines.fit_lines(read.read_fid(folder, Reading(), {}), LineFitOptions(outside=False))
    carrier = signals.SF * (1 + signals.CARRIER_PPM * 1e-6)
    expected = (carrier - 311.0) / 311.0 * 1e6 + (37.0 - signals.CARRIER_PPM) * signals.SF / 311.0
    near = int(np.abs(fit["shift"].values - expected).argmin())
    assert expected > 280 or fit["shift"].values[near] == pytest.approx(expected, abs=1e-4)
    explicit = read.read_fid(folder, Reading(reference_hz=0.0), {})
    assert explicit.attrs["sf"] == pytest.approx(311.1)


def bad(folder, role: str = "spectrum", **options: object) -> str:
    with pytest.raises(BadInput) as error:
        read.read_fid(folder, Reading(**options), {"role": role})
    line = str(error.value)
    assert "\n" not in line
    return line


def test_missing_acqus(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0])
    (folder / "acqus").unlink()
    assert "acqus" in bad(folder)


def test_td_larger_than_the_file(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0], acqus={"TD": 100000})
    assert "holds 400 numbers but TD is 100000" in bad(folder)


@pytest.mark.parametrize("kind", ["<i4", ">i4", "<f8"])
def test_wrong_byte_order(tmp_path, kind: str) -> None:
    folder = signals.write_bruker(
        tmp_path / "1", POINTS[0], kind=kind, acqus={"BYTORDA": int(kind[0] == "<")}
    )
    assert "other byte order" in bad(folder)


def test_empty_and_missing_vdlist(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, vdlist="\n")
    assert "vdlist: the list is empty" in bad(folder, "decay")
    (folder / "vdlist").unlink()
    assert "missing" in bad(folder, "decay")


def test_all_zero_slice_is_set_aside_and_the_rest_goes_on(tmp_path) -> None:
    y = POINTS.copy()
    y[1] = 0
    ds = read.read_fid(
        signals.write_bruker(tmp_path / "1", y, vdlist="10u\n20u\n1m\n"),
        Reading(),
        {"role": "decay"},
    )
    assert ds["status"].values.tolist() == ["ok", "zeros", "ok"]
    aside = json.loads(ds.attrs["set_aside"])
    assert len(aside) == 1
    assert "slice 2" in aside[0]["where"]


def test_only_zeros(tmp_path) -> None:
    assert "all points are zero" in bad(signals.write_bruker(tmp_path / "1", 0 * POINTS[0]))


def test_proton_data_by_mistake(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0], acqus={"NUC1": "<1H>"})
    assert "NUC1 is 1H, not 7Li" in bad(folder)


def test_nucleus_against_frequency_is_a_conflict(tmp_path) -> None:
    folder = signals.write_bruker(
        tmp_path / "1", POINTS[0], acqus={"BF1": 800.0, "BF2": 800.5, "SFO1": 800.0, "O1": 0}
    )
    assert "suits no such nucleus" in read.read_fid(folder, Reading(), {}).attrs["conflicts"]


def test_series_cut_short_says_so(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, vdlist="10u\n20u\n1m\n")
    whole = (folder / "ser").read_bytes()
    (folder / "ser").write_bytes(whole[: len(whole) * 2 // 3])
    ds = read.read_fid(folder, Reading(), {"role": "decay"})
    assert ds.sizes["slice"] == 2
    assert "only 2 of 3" in ds.attrs["set_aside"]


def test_program_that_is_not_understood_asks(tmp_path) -> None:
    folder = signals.write_bruker(
        tmp_path / "1", POINTS, program="1 ze\n2 d1\np1\nd0\ngo=2\nid0\n", vdlist="1u"
    )
    line = bad(folder, "decay")
    assert "read.decay_axis" in line
    given = read.read_fid(folder, Reading(decay_axis="vd"), {"role": "decay"})
    assert given["status"].values.tolist() == ["ok", "no_delay", "no_delay"]


def test_several_experiments_in_one_folder(tmp_path) -> None:
    for n in "12":
        signals.write_bruker(tmp_path / n, POINTS[0])
    assert "holds 2 experiments" in bad(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("((1s*l1)/cnst31)-(p1/2)-(p2/2)", 22.9e-6),
        ("d6*2+0.5m", 5.2e-4),
        ("30m", 0.03),
        ("-d6", -1e-5),
    ],
)
def test_expressions(text: str, value: float) -> None:
    names = {"l1": 1.0, "cnst31": 40000.0, "p1": 1.4e-6, "p2": 2.8e-6, "d6": 1e-5}
    assert delays.evaluate(text, names) == pytest.approx(value)


@pytest.mark.parametrize("text", ["__import__('os')", "d6**9", "d99", "1/0", "d6+"])
def test_expressions_refused(text: str) -> None:
    with pytest.raises(ValueError):
        delays.evaluate(text, {"d6": 1e-5})


def test_cpmg_formula() -> None:
    sequence = "1 ze\n2 d1\n  p1 ph1\n3 d6\n  p2 ph2\n  d6\n  lo to 3 times c\n  go=2 ph31\nexit\n"
    program = f'"p2=p1*2"\n{sequence}'
    assert delays.derive_formula(program) == "vc*(d6+p2+d6)"


def test_a_slice_with_a_number_that_is_not_finite_is_set_aside(tmp_path) -> None:
    points = POINTS.copy()
    points[1, 7] = complex(np.nan, 3.0)
    folder = signals.write_bruker(tmp_path / "1", points, kind="<f8", vdlist="10u\n20u\n1m\n")
    ds = read.read_fid(folder, Reading(), {"role": "decay"})
    assert list(ds["status"].values) == ["ok", "not_finite", "ok"]
    assert np.array_equal(ds["real"].values[[0, 2]], POINTS.real[[0, 2]])
    assert not ds["real"].values[1].any()
    (told,) = json.loads(ds.attrs["set_aside"])
    assert told["where"].endswith("slice 2") and "not finite" in told["problem"]


@pytest.mark.parametrize(
    ("acqus", "said"),
    [
        ({"SW_h": 0.0}, "SW_h is 0"),
        ({"BF1": "nan"}, "BF1 is nan"),
        ({"SFO1": -155.5}, "SFO1 is -155.5"),
        ({"RG": "inf"}, "receiver_gain is inf"),
        ({"NS": "many"}, "a parameter makes no sense"),
        ({"GRPDLY": 1e9}, "a group delay of 1e"),
        ({"GRPDLY": "nan"}, "a group delay of nan"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(tmp_path, acqus, said: str) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0], acqus=acqus)
    with pytest.raises(BadInput, match=said):
        read.read_fid(folder, Reading(), {})


def test_what_nobody_foresaw_is_a_fault_of_the_experiment(tmp_path, monkeypatch) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS[0])

    def divide(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(read, "read_acquisition", divide)
    with pytest.raises(UnforeseenFault, match="ZeroDivisionError") as fault:
        read.read_fid(folder, Reading(), {})
    assert fault.value.where == str(folder)


def test_decays_beyond_those_announced_are_told(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, vdlist="10u\n20u\n1m\n")
    (folder / "acqu2s").write_text("##TITLE= x\n##$TD= 2\n##END=\n")
    ds = read.read_fid(folder, Reading(), {"role": "decay"})
    assert ds.sizes["slice"] == 2
    (told,) = json.loads(ds.attrs["set_aside"])
    assert "1 more decays than TD states" in told["problem"]


def test_the_sum_or_one_slice_of_a_series(tmp_path) -> None:
    """Repeats of one decay in a ser need no decay axis; NaN and zeros are no part of a sum."""
    program = "1 ze\n2 d1\n  (p1 ph1):f1\n  go=2 ph31\n  wr #0 if #0\n  lo to 2 times td1\nexit\n"
    points = POINTS.copy()
    folder = signals.write_bruker(tmp_path / "1", points, program=program)
    assert "read.decay_axis" in bad(folder)
    total = read.read_fid(folder, Reading(slices="sum"), {"role": "spectrum"})
    assert np.array_equal((total["real"] + 1j * total["imag"]).values[0], points.sum(axis=0))
    assert total.attrs["scans"] == 3 * 16
    assert total.attrs["decay_axis"] == "" and np.isnan(total["decay_time"].values).all()
    second = read.read_fid(folder, Reading(slices=2), {"role": "spectrum"})
    assert np.array_equal((second["real"] + 1j * second["imag"]).values[0], points[1])
    assert second.attrs["scans"] == 16
    assert "read.slices is 4, and there are 3 slices" in bad(folder, slices=4)
    points[1] = 0.0
    folder = signals.write_bruker(tmp_path / "2", points, program=program)
    assert read.read_fid(folder, Reading(slices="sum"), {}).attrs["scans"] == 2 * 16


def test_one_slice_of_a_series_keeps_its_decay_time(tmp_path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, vdlist="10u\n20u\n1m\n")
    second = read.read_fid(folder, Reading(slices=2), {"role": "spectrum"})
    assert second["decay_time"].values == pytest.approx([2 * 2e-5 + 3.234e-6])
    assert second.attrs["decay_axis"]
    # Decays of different times have no time in common.
    assert np.isnan(read.read_fid(folder, Reading(slices="sum"), {})["decay_time"].values).all()


@pytest.mark.parametrize(
    ("form", "end"), [("gztar", ".tar.gz"), ("tar", ".tar"), ("xztar", ".tar.xz")]
)
def test_packed_by_tar(tmp_path, form: str, end: str) -> None:
    folder = signals.write_bruker(tmp_path / "in" / "7", POINTS[0])
    (folder / "pdata/1/1r").write_bytes(b"\0" * 8)
    packed = shutil.make_archive(str(tmp_path / "7"), form, tmp_path / "in")
    assert packed.endswith(end)
    found = read.read_fid(tmp_path / f"7{end}", Reading(), {})
    assert np.array_equal((found["real"] + 1j * found["imag"]).values[0], POINTS[0])
    assert files.has_spectrum(tmp_path / f"7{end}")


def test_damaged_and_outgoing_tar_files(tmp_path) -> None:
    import io
    import tarfile

    folder = signals.write_bruker(tmp_path / "in" / "7", POINTS[0])
    packed = shutil.make_archive(str(tmp_path / "7"), "gztar", tmp_path / "in")
    whole = (tmp_path / "7.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.tar").write_bytes(b"no tar file")
    for name in ("cut.tar.gz", "none.tar"):
        assert "not a readable tar file" in bad(tmp_path / name)
        assert not files.has_spectrum(tmp_path / name)
    with tarfile.open(tmp_path / "out.tar", "w") as out:
        out.add(folder, "7")
        entry = tarfile.TarInfo("../../acqus")
        entry.size = 3
        out.addfile(entry, io.BytesIO(b"abc"))
    assert "not a readable tar file" in bad(tmp_path / "out.tar")
    assert packed
