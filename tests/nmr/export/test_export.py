"""What we write is read back identically by others' programs, where they are installed."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.bruker import read
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.export import export
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import SpectrumOptions
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.nmr import pressing


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An echo (1) and a series (2) as the demonstration writes them."""
    folder, rng, powder = (
        tmp_path_factory.mktemp("nmr"),
        np.random.default_rng(3),
        pressing.POWDERS[1],
    )
    about = {"date": 1.6e9, "title": "synthetic\n"}
    pressing.write_spectrum(folder / "1", powder, IDEAL, rng, li=powder.li, **about)
    pressing.write_decay(folder / "2", powder, IDEAL, rng, li=(powder.li,) * 12, **about)
    return folder


def points(folder: Path, name: str):
    fid = read.read_fid(folder / name, Reading(), {"role": "decay" if name == "2" else "spectrum"})
    return fid, (fid["real"] + 1j * fid["imag"]).values


@pytest.fixture(scope="module")
def files(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    fid, _ = points(simulated, "2")
    for name, text in export.export_spectra(
        fid, window_integrals.integrate_windows(fid, SpectrumOptions()), {"sample": "Li1Si"}
    ).items():
        (folder / name).write_text(text)
    return folder


def test_nmrglue_reads_the_simulated_experiments(simulated: Path) -> None:
    import nmrglue

    for name in "12":
        _, ours = points(simulated, name)
        _, theirs = nmrglue.bruker.read(str(simulated / name), read_pulseprogram=False)
        assert np.array_equal(np.atleast_2d(theirs)[:, : ours.shape[1]], ours)


def test_nmrglue_reads_the_jcamp_decays_exactly_and_spectra_to_rounding(
    simulated: Path, files: Path
) -> None:
    import nmrglue

    fid, ours = points(simulated, "2")
    expected = window_integrals.integrate_windows(fid, SpectrumOptions())
    for i in range(12):
        about, (real, imag) = nmrglue.jcampdx.read(str(files / f"slice{i + 1:03d}_fid.dx"))
        assert np.array_equal(real + 1j * imag, ours[i])
        assert about[".OBSERVENUCLEUS"] == ["^7Li"]
        _, (real, imag) = nmrglue.jcampdx.read(str(files / f"slice{i + 1:03d}_spectrum.dx"))
        whole = (expected["real"] + 1j * expected["imag"]).values[i]
        assert np.abs(real + 1j * imag - whole).max() < 1e-11 * np.abs(whole).max()


def test_csdm_holds_the_same_bytes_and_axes(simulated: Path, files: Path) -> None:
    fid, ours = points(simulated, "2")
    root = json.loads((files / "series.csdf").read_text())["csdm"]
    variable = root["dependent_variables"][0]
    stored = np.frombuffer(base64.b64decode(variable["components"][0]), "<c16").reshape(12, -1)
    assert np.array_equal(stored, ours)
    time, slices = root["dimensions"]
    assert float(time["coordinates_offset"].split()[0]) == fid["time"].values[0]
    assert [float(t.split()[0]) for t in slices["coordinates"]] == fid["decay_time"].values.tolist()


@pytest.mark.parametrize(("nucleus", "written"), [("7Li", "^7Li"), ("31P", "^31P")])
def test_only_what_the_experiment_states_is_written(nucleus: str, written: str) -> None:
    fid = signals.dataset(signals.signal((1.0,), (10.0,), (500.0,), points=256)).assign_attrs(
        nucleus=nucleus, receiver_gain=1.0, scans=1, sr=0.0
    )
    found = export.export_spectra(
        fid, window_integrals.integrate_windows(fid, SpectrumOptions(phase="peaks"))
    )
    for name in ("slice001_fid.dx", "slice001_spectrum.dx"):
        assert f"##.OBSERVE NUCLEUS= {written}\n" in found[name]
        assert "REFERENCE" not in found[name]
        assert "LiCl" not in found[name]
    assert json.loads(found["series.csdf"])["csdm"]["tags"] == [f"{nucleus} NMR"]


def test_csdmpy_reads_it(simulated: Path, files: Path) -> None:
    csdmpy = pytest.importorskip("csdmpy", reason="csdmpy is not installed")
    _, ours = points(simulated, "2")
    assert np.array_equal(csdmpy.load(str(files / "series.csdf")).y[0].components[0], ours)


def test_spectrochempy_reads_the_simulated_echo(simulated: Path) -> None:
    """It divides by scans and receiver gain, which are powers of two here."""
    pytest.importorskip("spectrochempy_nmr", reason="spectrochempy[nmr] is not installed")
    import spectrochempy

    fid, ours = points(simulated, "1")
    theirs = spectrochempy.read_topspin(str(simulated / "1/fid"), remove_digital_filter=False)
    scale = fid.attrs["scans"] * fid.attrs["receiver_gain"]
    assert np.array_equal(scale * np.asarray(theirs.data).ravel()[: ours.size], ours[0])


def test_ssnake_reads_the_simulated_echo(simulated: Path) -> None:
    specio = pytest.importorskip(
        "specIO", reason="ssNake is not installed (it is not on the package index)"
    )
    _, ours = points(simulated, "1")
    theirs = specio.autoLoad(str(simulated / "1/fid"))
    assert np.array_equal(np.ravel(theirs.getHyperData(0))[: ours.size], ours[0])
