"""Raw files read back by tools that share nothing with the simulator: numpy, Pillow, fabio,
nmrglue, pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ssbchar.simulate import demo
from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import detector
from ssbchar.simulate.hexrd.pattern import BM17
from ssbchar.simulate.nmr import bruker, pressing
from ssbchar.simulate.xas import scans


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    demo.write_demo(out, small=True)
    return out


def test_xye_is_three_columns_with_counting_errors(small: Path):
    table = np.loadtxt(small / "hexrd" / "heating_LAGP_LFP" / "001.xye")
    assert table.shape == (BM17.points, 3)
    assert np.allclose(table[:, 2], np.sqrt(table[:, 1]), atol=0.06)
    assert np.allclose(np.diff(table[:, 0]), BM17.step, atol=2e-4)


def test_furnace_log_is_zoned_and_covers_the_frames(small: Path):
    log = pd.read_csv(
        small / "hexrd" / "heating_LAGP_LFP_furnace.csv", comment="#", parse_dates=["time"]
    )
    assert str(log["time"].dt.tz) == "UTC"
    stamps = []
    for path in sorted((small / "hexrd" / "heating_LAGP_LFP").glob("*.xye")):
        line = next(x for x in path.read_text().splitlines() if x.startswith("# time: "))
        stamps.append(pd.Timestamp(line.removeprefix("# time: ")))
    assert all(s.tzinfo for s in stamps) and stamps == sorted(stamps)
    assert log["time"].min() < stamps[0] and stamps[-1] < log["time"].max()
    noise = (log["thermocouple_degC"] - log["setpoint_degC"]).std()
    assert 0.27 < noise < 0.33  # stated: 0.3 K
    assert log["setpoint_degC"].max() == 800.0 and log["setpoint_degC"].min() == 25.0


def test_tiff_opens_in_pillow_and_fabio(small: Path):
    path = next((small / "hexrd" / "CeO2_calibrant").glob("*.tif"))
    with Image.open(path) as image:
        assert image.size == (512, 512) and image.mode.startswith("I;16")
        assert (
            "synthetic" in image.tag_v2[270] and "wavelength: 0.24117 angstrom" in image.tag_v2[270]
        )
        data = np.asarray(image)
    fabio = pytest.importorskip("fabio")
    assert np.array_equal(fabio.open(path).data, data)


def test_rings_lie_where_bragg_says(small: Path):
    """Radius of the brightest ring along four directions, from the tilt by plain vector algebra."""
    with Image.open(next((small / "hexrd" / "CeO2_calibrant").glob("*.tif"))) as image:
        data = np.asarray(image).astype(float)
    geometry = detector.Detector()
    two_theta = 2 * np.arcsin(0.24117 / (2 * 5.41165 / np.sqrt(3)))
    t, p = np.radians([geometry.tilt, geometry.tilt_plane])
    tilted = np.array(
        [np.cos(p) * np.cos(t), np.sin(p) * np.cos(t), np.sin(t)]
    )  # the tilt direction in space
    across = np.array([-np.sin(p), np.cos(p), 0.0])
    normal = np.cross(tilted, across)
    for azimuth in np.radians([0, 90, 180, 270]):
        ray = np.array(
            [
                np.sin(two_theta) * np.cos(azimuth),
                np.sin(two_theta) * np.sin(azimuth),
                np.cos(two_theta),
            ]
        )
        hit = ray * (normal @ [0, 0, geometry.distance]) / (normal @ ray) - [
            0,
            0,
            geometry.distance,
        ]
        u, v = hit @ tilted, hit @ across
        column = geometry.column + (u * np.cos(p) - v * np.sin(p)) / geometry.pixel
        row = geometry.row + (u * np.sin(p) + v * np.cos(p)) / geometry.pixel
        box = data[int(row) - 3 : int(row) + 4, int(column) - 3 : int(column) + 4]
        profile = box.sum(axis=0) if azimuth in np.radians([0, 180]) else box.sum(axis=1)
        start = int(column) - 3 if azimuth in np.radians([0, 180]) else int(row) - 3
        profile = profile - profile.min()
        centre = start + 0.5 + (profile * np.arange(7)).sum() / profile.sum()
        assert abs(centre - (column if azimuth in np.radians([0, 180]) else row)) < 0.35


def test_nmrglue_reads_what_was_written(tmp_path: Path):
    nmrglue = pytest.importorskip("nmrglue")
    rng = np.random.default_rng(1)
    data = np.round(1e6 * (rng.standard_normal((3, 300)) + 1j * rng.standard_normal((3, 300))))
    about = pressing.list_acquisition_parameters(1.6e9, 8, True)
    bruker.write_experiment(
        tmp_path / "ser", data, about, pressing.PROCESSING, "synthetic", "", [1e-5, 2e-5, 3.5e-5]
    )
    parameters, back = nmrglue.bruker.read(str(tmp_path / "ser"))
    assert (
        np.array_equal(back[:, :300], data) and not back[:, 300:].any()
    )  # rows are padded to whole blocks
    assert parameters["acqus"]["TD"] == 600 and parameters["acqu2s"]["TD"] == 3
    assert parameters["acqus"]["P"][1] == pressing.PULSE and parameters["acqus"]["NUC1"] == "7Li"
    assert (tmp_path / "ser" / "vdlist").read_text().split() == ["10u", "20u", "35u"]
    bruker.write_experiment(
        tmp_path / "fid",
        data[0],
        pressing.list_acquisition_parameters(1.6e9, 8, False),
        pressing.PROCESSING,
        "synthetic",
        "",
    )
    assert np.array_equal(nmrglue.bruker.read(str(tmp_path / "fid"))[1], data[0])


def test_lines_lie_at_their_shift_with_their_area(tmp_path: Path):
    """nmrglue's own group-delay removal and axis; areas from the peak integrals of pure Li."""
    nmrglue = pytest.importorskip("nmrglue")
    pressing.write_powders(tmp_path, IDEAL, np.random.default_rng(3))
    for name in ("Li_reference", "Li1Si_100MPa_30s"):
        parameters, fid = nmrglue.bruker.read(str(tmp_path / name / "10"))
        fid = nmrglue.bruker.remove_digital_filter(parameters, fid)
        spectrum = np.abs(nmrglue.proc_base.fft(nmrglue.proc_base.zf_size(fid, 16384)))
        sw = parameters["acqus"]["SW_h"]
        sf = parameters["procs"]["SF"]
        carrier = (parameters["acqus"]["SFO1"] - sf) * 1e6
        shift = (carrier + np.fft.fftshift(np.fft.fftfreq(16384, 1 / sw))) / sf
        near = (shift > 240) & (shift < 280)
        assert abs(shift[near][np.argmax(spectrum[near])] - pressing.METAL[0]) < 0.3


def test_group_delay_is_the_stated_one(tmp_path: Path):
    nmrglue = pytest.importorskip("nmrglue")
    pressing.write_powders(tmp_path, IDEAL, np.random.default_rng(3))
    parameters, fid = nmrglue.bruker.read(str(tmp_path / "Li_reference" / "10"))
    delay = parameters["acqus"]["GRPDLY"]
    top = np.abs(fid).max()
    assert np.abs(fid[: int(delay) - 3]).max() < 0.1 * top  # the filter's rise, no signal yet
    assert abs(np.abs(fid[int(delay)]) / top - 0.5) < 0.08  # a step, half way up at its time


@pytest.mark.parametrize("element", ["Ge", "Fe"])
def test_chi_noise_is_the_stated_one(element: str):
    """Scatter of mu t / edge step over many seeds at k = 10, merged over the repeats: 1e-3."""
    specimen = next(s for s in scans.SPECIMENS if s.element == element)
    k = np.array([9.9, 10.0, 10.1])
    energy = specimen.intact.energy + k**2 / 0.2624682843
    energy = np.repeat(energy, 200)
    mu = []
    for seed in range(scans.REPEATS):
        i0, i1, _ = scans.simulate_counts(
            energy, specimen, 0.0, 1, IDEAL, np.random.default_rng(seed)
        )
        mu.append(np.log(i0 / i1))
    merged = np.mean(mu, axis=0).reshape(3, 200) / scans.STEP
    assert abs(merged.std(axis=1, ddof=1).mean() / scans.CHI_NOISE - 1) < 0.1


def test_xdi_and_columns_have_all_channels(small: Path):
    ge = np.loadtxt(next((small / "xas" / "Ge_pristine").glob("*.xdi")))
    fe = np.loadtxt(next((small / "xas" / "Fe_pristine").iterdir()))
    assert ge.shape[1] == 4 and fe.shape[1] == 5
    for energy, mu, foil, edge in (
        (ge[:, 0], np.log(ge[:, 1] / ge[:, 2]), np.log(ge[:, 2] / ge[:, 3]), 11103.0),
        (fe[:, 0], np.log(fe[:, 2] / fe[:, 3]), np.log(fe[:, 3] / fe[:, 4]), 7112.0),
    ):
        jump = mu[energy > edge + 150].mean() - mu[energy < edge - 50].mean()
        assert 0.6 < jump < 1.1
        steepest = energy[np.argmax(np.gradient(np.convolve(foil, np.ones(5) / 5, "same"), energy))]
        assert abs(steepest - edge - scans.MISCALIBRATION[0]) < 1.2  # the monochromator reads high


def test_effects_change_the_raw_files(tmp_path: Path):
    demo.write_demo(tmp_path / "real", small=True, parts=("xas", "nmr"))
    demo.write_demo(tmp_path / "ideal", small=True, ideal=True, parts=("xas", "nmr"))
    for name in ("xas/Ge_pristine/Ge_pristine.001.xdi", "nmr/Li1Si_100MPa_30s/10/fid"):
        assert (tmp_path / "real" / name).read_bytes() != (tmp_path / "ideal" / name).read_bytes()
    assert Effects() != IDEAL
