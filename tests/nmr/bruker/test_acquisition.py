"""What an experiment's parameters say: reference, times, what is missing."""

import json
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import acquisition, files
from ssbchar.nmr.bruker.acquisition import NEEDED, Acquisition
from ssbchar.nmr.bruker.options import Reading

POINTS = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j)


def read(folder: Path, options: Reading | None = None) -> Acquisition:
    with files.open_experiment(folder) as experiment:
        return acquisition.read_acquisition(experiment, options or Reading())


def test_the_reference_is_sf_of_the_processing_asked_for(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, sf=311.0995)
    found = read(folder)
    assert found.sf == 311.0995
    assert found.sr == pytest.approx(-500.0, abs=1e-6)
    assert found.attributes()["sr"] == pytest.approx(-500.0, abs=1e-6)


def test_a_reference_that_is_given_wins(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, sf=311.0995)
    found = read(folder, Reading(reference_hz=250.0))
    assert found.sf == pytest.approx(311.1 + 250e-6, abs=1e-12)
    assert not any("SR = 0" in line for line in found.conflicts)


def test_without_a_reference_the_base_frequency_is_used_and_said(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS)
    found = read(folder, Reading(procno=7))
    assert found.sf == 311.1
    assert any("SR = 0" in line for line in found.conflicts)


def test_attributes_of_the_acquisition(tmp_path: Path) -> None:
    changes = {"NS": 64, "RG": 12.5, "DATE": 1640000000, "MASR": 10000, "D": "(0..1)\n0 2.5"}
    folder = signals.write_bruker(tmp_path / "1", POINTS, acqus=changes)
    found = read(folder, Reading(sample_mass=0.012)).attributes()
    assert (found["scans"], found["receiver_gain"], found["spinning"]) == (64, 12.5, 10000.0)
    assert (found["date"], found["recycle_delay"]) == (1640000000, 2.5)
    assert found["acquisition_time"] == pytest.approx(200 / found["sw"])
    assert found["sample_mass"] == 0.012
    assert found["bf1"] == 311.1
    assert isinstance(json.loads(found["conflicts"]), list)
    assert "sample_mass" not in read(folder).attributes()


@pytest.mark.parametrize("name", acquisition.NEEDED)
def test_a_parameter_that_nothing_can_do_without(tmp_path: Path, name: str) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS)
    text = (folder / "acqus").read_text(encoding="latin-1")
    (folder / "acqus").write_text(text.replace(f"##${name}=", f"##$X{name}="), encoding="latin-1")
    with pytest.raises(BadInput, match=f"{name} is missing"):
        read(folder)


def test_another_nucleus_is_refused_unless_it_is_expected(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS, acqus={"NUC1": "<31P>"})
    with pytest.raises(BadInput, match="NUC1 is 31P, not 7Li"):
        read(folder)
    assert read(folder, Reading(nucleus="31P")).attributes()["nucleus"] == "31P"


def test_what_is_not_stated_has_its_neutral_value(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", POINTS)
    text = (folder / "acqus").read_text(encoding="latin-1")
    kept = [line for line in text.splitlines() if line.split("=")[0][3:] in (*NEEDED, "NUC1")]
    (folder / "acqus").write_text("\n".join(["##TITLE= x", *kept, "##END="]), encoding="latin-1")
    found = read(folder).attributes()
    neutral = {"o1": 0.0, "scans": 1, "receiver_gain": 1.0, "recycle_delay": 0.0, "date": 0}
    neutral |= {"pulse_1": 0.0, "pulse_2": 0.0, "spinning": 0.0, "probe": "", "group_delay": 0.0}
    assert {name: found[name] for name in neutral} == neutral


def test_the_reference_in_hertz() -> None:
    made = Acquisition(
        acqus={"BF1": 300.0},
        procs={},
        sf=300.0025,
        title="",
        program="",
        names={},
        conflicts=(),
        sample_mass=None,
    )
    assert made.sr == pytest.approx(2500.0, rel=1e-9)
