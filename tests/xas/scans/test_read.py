"""Readers: formats, columns, and one clear line for each kind of bad input."""

import gzip
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanLimits, ScanReading

PLAIN = ScanReading()
LABELS = {"measurement": "one", "sample": "s", "role": "pristine"}


def text(path: Path, columns: dict[str, np.ndarray], head: str = "") -> Path:
    body = "\n".join(
        " ".join(f"{v:.6f}" for v in row) for row in zip(*columns.values(), strict=True)
    )
    path.write_text(f"{head}# {' '.join(columns)}\n{body}\n")
    return path


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    energy = made_spectra.grid()
    mu = made_spectra.mu(energy, made_spectra.Truth())
    i0 = np.full(energy.size, 1e6)
    return {"energy": energy, "i0": i0, "itrans": i0 * np.exp(-mu)}


def problem(path: Path, options: ScanReading = PLAIN) -> str:
    with pytest.raises(BadInput) as caught:
        read.read_scans(path, options, LABELS)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


def notes(path: Path, options: ScanReading = PLAIN) -> list[str]:
    return [e["note"] for e in json.loads(read.read_scans(path, options, LABELS).attrs["notes"])]


def test_transmission_is_the_logarithm_of_the_ratio(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    ds = read.read_scans(text(tmp_path / "a.dat", columns), ScanReading(), LABELS)
    assert np.allclose(ds["mu"].values[0], np.log(columns["i0"] / columns["itrans"]), atol=1e-9)
    assert (ds.attrs["element"], ds.attrs["edge"], ds.attrs["mode"]) == ("Fe", "K", "transmission")
    assert not np.isfinite(ds["mu_stderr"].values).any()


def test_counts_give_poisson_noise(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    ds = read.read_scans(
        text(tmp_path / "a.dat", columns), ScanReading(photons_per_count=4.0), LABELS
    )
    expected = np.sqrt((1 / columns["i0"] + 1 / columns["itrans"]) / 4)
    assert np.allclose(ds["mu_stderr"].values[0], expected, rtol=1e-6)


def test_fluorescence_sums_its_elements(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    mu = np.log(columns["i0"] / columns.pop("itrans"))
    three = {**columns, "mca1": 100 * mu, "mca2": 200 * mu, "mca3": 300 * mu}
    ds = read.read_scans(text(tmp_path / "a.dat", three), ScanReading(), LABELS)
    assert ds.attrs["mode"] == "fluorescence"
    assert np.allclose(ds["mu"].values[0], 600 * mu / 1e6, rtol=1e-5)
    one = read.read_scans(
        text(tmp_path / "a.dat", three), ScanReading(fluorescence=("mca2",)), LABELS
    )
    assert np.allclose(one["mu"].values[0], 200 * mu / 1e6, rtol=1e-5)


def test_names_with_blanks_in_fields_of_equal_width(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    head = "".join(f"{n:21s}" for n in ("Mono Energy *", "Scaler preset time * ", "I0", "I1"))
    rows = zip(
        columns["energy"],
        np.ones(columns["energy"].size),
        columns["i0"],
        columns["itrans"],
        strict=True,
    )
    path = tmp_path / "scan.dat"
    path.write_text(
        f"#1-D Scan\n#{head}\n" + "\n".join("".join(f"{v:21.6f}" for v in row) for row in rows)
    )
    ds = read.read_scans(path, ScanReading(), LABELS)
    assert ds.attrs["mode"] == "transmission"


def test_hdf5_by_names_and_by_paths(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        for name, values in columns.items():
            file[f"entry/data/{name}"] = values
    ds = read.read_scans(tmp_path / "a.nxs", ScanReading(), LABELS)
    same = read.read_scans(
        tmp_path / "a.nxs", ScanReading(energy="entry/data/energy", i0="entry/data/i0"), LABELS
    )
    assert np.allclose(ds["mu"], same["mu"])
    assert ds.sizes["point"] == columns["energy"].size


@pytest.mark.parametrize("channels", [64, 3])
def test_hdf5_spectra_of_a_detector_at_each_point_are_no_stack(
    tmp_path: Path, columns: dict[str, np.ndarray], channels: int
) -> None:
    """One scan with an array (point, channel), and the detector's channels as a column of their
    own."""
    counts = np.ones((columns["energy"].size, channels))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in {**columns, "mca": counts, "channel": np.arange(channels)}.items():
            file[f"entry/data/{name}"] = values
    ds = read.read_scans(tmp_path / "a.h5", ScanReading(), LABELS)
    assert ds.sizes["scan"] == 1
    assert np.allclose(ds["mu"].values[0], np.log(columns["i0"] / columns["itrans"]))


def test_kev_are_turned_into_ev_and_said(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    path = text(tmp_path / "a.dat", {**columns, "energy": columns["energy"] / 1000})
    assert notes(path) == ["energy given in keV"]
    assert read.read_scans(path, ScanReading(), LABELS)["energy"].values.max() > 7000


def project(path: Path, columns: dict[str, np.ndarray], shift: float) -> Path:
    mu = np.log(columns["i0"] / columns["itrans"])

    def perl(values: np.ndarray) -> str:
        return ",".join(f"'{v:.9f}'" for v in values)

    content = (
        "# Athena project file -- Athena version 0.9\n$old_group = 'abcd';\n"
        f"@args = ('label','my scan','bkg_eshift','{shift}','bkg_z','Fe','fft_edge','K');\n"
        f"@x = ({perl(columns['energy'])});\n@y = ({perl(mu)});\n[record]\n"
    )
    path.write_bytes(gzip.compress(content.encode()))
    return path


def test_athena_project_keeps_its_shift_or_is_refused(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    path = project(tmp_path / "p.prj", columns, -3.5)
    ds = read.read_scans(path, ScanReading(), LABELS)
    assert ds["eshift"].values.tolist() == [-3.5]
    assert np.allclose(ds["energy"].values[0], columns["energy"], atol=1e-6), (
        "readers do not correct"
    )
    assert "energy shift of -3.5 eV" in problem(path, ScanReading(apply_eshift=False))
    assert "no group named 'other'" in problem(path, ScanReading(mu="other"))


def test_reversed_duplicated_and_unsorted_energies_are_mended_and_said(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    good = read.read_scans(text(tmp_path / "good.dat", columns), ScanReading(), LABELS)
    back = text(tmp_path / "back.dat", {k: v[::-1] for k, v in columns.items()})
    assert notes(back) == ["energy runs downwards: reversed"]
    assert np.allclose(read.read_scans(back, ScanReading(), LABELS)["mu"], good["mu"])
    twice = text(
        tmp_path / "twice.dat", {k: np.insert(v, 50, v[[50, 50]]) for k, v in columns.items()}
    )
    assert notes(twice) == ["2 points repeat an energy: averaged"]
    assert np.allclose(read.read_scans(twice, ScanReading(), LABELS)["mu"], good["mu"])


def test_a_few_dead_readings_are_left_out_and_said(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    columns["i0"] = columns["i0"].copy()
    columns["i0"][[20, 60]] = 0.0, -5.0
    path = text(tmp_path / "a.dat", columns)
    assert notes(path) == ["2 points without a valid reading left out"]
    assert np.isfinite(read.read_scans(path, ScanReading(), LABELS)["mu"]).all()


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_dead_i0(tmp_path: Path, columns: dict[str, np.ndarray], value: float) -> None:
    columns["i0"] = np.where(np.arange(columns["i0"].size) % 3, columns["i0"], value)
    assert "readings of i0 are zero or negative" in problem(text(tmp_path / "a.dat", columns))


def test_wrong_edge_for_the_element(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    path = text(tmp_path / "a.dat", columns)
    assert "Ge K edge (11103.1 eV) is not in" in problem(path, ScanReading(element="Ge"))
    assert "it looks like Fe K" in problem(path, ScanReading(element="Ge"))


def test_scan_cut_before_the_post_edge_or_without_pre_edge(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    short = {k: v[columns["energy"] < 7135] for k, v in columns.items()}
    assert "no post-edge" in problem(text(tmp_path / "a.dat", short))
    late = {k: v[columns["energy"] > 7114] for k, v in columns.items()}
    assert "no pre-edge" in problem(text(tmp_path / "b.dat", late))


def test_missing_columns_are_named_with_what_is_there(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    path = text(tmp_path / "a.dat", columns)
    assert "no column 'diode' (it has energy, i0, itrans)" in problem(
        path, ScanReading(transmitted="diode")
    )
    assert "no column 'ref'" in problem(path, ScanReading(foil="ref"))
    bare = text(tmp_path / "b.dat", {k: columns[k] for k in ("energy", "i0")})
    assert "no column of the transmitted or the fluorescence beam (it has energy, i0)" in problem(
        bare
    )
    assert "no fluorescence column" in problem(path, ScanReading(mode="fluorescence"))


def test_a_file_that_ends_in_mid_row_an_empty_one_and_prose(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    path = text(tmp_path / "a.dat", columns)
    path.write_text(path.read_text()[:-20])
    assert "columns where 3 were before" in problem(path)
    (tmp_path / "b.dat").write_text("")
    assert "the file is empty" in problem(tmp_path / "b.dat")
    (tmp_path / "c.dat").write_text("no numbers here\n")
    assert "no columns of numbers" in problem(tmp_path / "c.dat")


def test_one_bad_repeat_is_set_aside_and_the_rest_goes_on(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    text(tmp_path / "1.dat", columns)
    (tmp_path / "2.dat").write_text("")
    text(tmp_path / "3.dat", columns)
    ds = read.read_scans(tmp_path, ScanReading(), LABELS)
    assert ds.sizes["scan"] == 2
    assert [Path(e["where"]).name for e in json.loads(ds.attrs["set_aside"])] == ["2.dat"]


def test_scans_of_another_kind_are_set_aside(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    """What is normalised already and what is not are never averaged."""
    energy, mu = columns["energy"], np.log(columns["i0"] / columns["itrans"])
    text(tmp_path / "1.dat", {"energy": energy, "norm": (mu - 0.5)}, "# normalized mu\n")
    for number in (2, 3):
        text(tmp_path / f"{number}.dat", columns)
    ds = read.read_scans(tmp_path / "*.dat", PLAIN, LABELS)
    assert (ds.sizes["scan"], ds.attrs["mode"]) == (2, "transmission")
    [left_out] = json.loads(ds.attrs["set_aside"])
    assert left_out["where"].endswith("1.dat")
    assert left_out["problem"] == "its absorption is normalised, the others' transmission"


def test_a_synthetic_header_marks_the_data(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    assert (
        read.read_scans(
            text(tmp_path / "a.dat", columns, "# Synthetic data\n"), ScanReading(), LABELS
        ).attrs["synthetic"]
        == 1
    )
    assert (
        read.read_scans(text(tmp_path / "b.dat", columns), ScanReading(), LABELS).attrs["synthetic"]
        == 0
    )


def test_a_scan_that_states_no_shift_has_none(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    ds = read.read_scans(text(tmp_path / "a.dat", columns), PLAIN, LABELS)
    assert ds["eshift"].values.tolist() == [0.0]


def test_an_exception_that_nobody_foresaw_costs_its_scan_alone(tmp_path, monkeypatch) -> None:
    energy = np.arange(7000.0, 7700.0, 2.0)
    for name in ("a", "b", "c"):
        mu = 0.2 + 1 / (1 + np.exp(-(energy - 7120) / 2))
        rows = "".join(f"{e:.2f} {m:.5f}\n" for e, m in zip(energy, mu, strict=True))
        (tmp_path / f"{name}.dat").write_text("# energy mu\n" + rows)
    os.mkfifo(tmp_path / "d.dat")
    (tmp_path / "e.dat").symlink_to(tmp_path / "gone")
    sound = read.read_raw_scans
    monkeypatch.setattr(
        read, "read_raw_scans", lambda path: 1 / 0 if path.name == "b.dat" else sound(path)
    )
    ds = read.read_scans(tmp_path, ScanReading(element="Fe", edge="K"), {})
    assert [Path(str(name)).name for name in ds["source_file"].values] == ["a.dat", "c.dat"]
    said = {Path(one["where"]).name: one["problem"] for one in json.loads(ds.attrs["set_aside"])}
    assert "ZeroDivisionError" in said["b.dat"]
    assert said["d.dat"] == "is a FIFO, no regular file" and said["e.dat"] == "is a link to nothing"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            gzip.compress(bytes(3_000_000), mtime=0),
            r"unpacks to .*xas\.read\.limits\.unpacked_size",
        ),
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "cannot be unpacked"),
        (b"\x1f\x8b no gzip", "cannot be unpacked"),
    ],
)
def test_a_packed_file_that_is_damaged_or_unpacks_to_too_much(tmp_path, content, said) -> None:
    (tmp_path / "a.prj").write_bytes(content)
    options = ScanReading(limits=ScanLimits(unpacked_size=1))
    with pytest.raises(BadInput, match=said):
        read.read_scans(tmp_path / "a.prj", options, {})


@pytest.mark.parametrize("wild", ["1e9", "99999999999999", "-5000"])
def test_energies_that_no_scan_has_are_named(tmp_path, wild: str) -> None:
    rows = "".join(f"{7000 + 2 * i} {0.2 + (i > 60)}\n" for i in range(300))
    (tmp_path / "a.dat").write_text(f"# energy mu\n{rows}{wild} 1.2\n")
    with pytest.raises(BadInput, match="none of a scan of one edge"):
        read.read_scans(tmp_path / "a.dat", ScanReading(element="Fe", edge="K"), {})


def test_a_scan_of_too_many_points_is_refused(tmp_path) -> None:
    rows = "".join(f"{7000 + i} {0.2 + (i > 110)}\n" for i in range(600))
    (tmp_path / "a.dat").write_text("# energy mu\n" + rows)
    options = ScanReading(element="Fe", edge="K", limits=ScanLimits(points=500))
    with pytest.raises(BadInput, match=r"600 points, more than the 500 allowed"):
        read.read_scans(tmp_path / "a.dat", options, {})


@pytest.mark.parametrize("shift", ["1e9", "nan", "many"])
def test_an_energy_shift_that_makes_no_sense_is_named(tmp_path, shift: str) -> None:
    energy = np.arange(7000.0, 7700.0, 2.0)
    arrays = {"x": energy, "y": 0.2 + 1 / (1 + np.exp(-(energy - 7120) / 2))}
    lines = [f"@{n} = ({','.join(repr(str(v)) for v in a)});" for n, a in arrays.items()]
    args = f"@args = ('label','one','bkg_z','Fe','fft_edge','K','bkg_eshift','{shift}');"
    head = "# Athena project file -- Demeter version 0.9.26\n$old_group = 'abc';\n"
    (tmp_path / "a.prj").write_text(head + "\n".join([args, *lines]) + "\n[record]\n")
    with pytest.raises(BadInput, match=f"energy shift is '{shift}' eV"):
        read.read_scans(tmp_path / "a.prj", ScanReading(), {})
