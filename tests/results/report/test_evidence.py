"""What a referee asks: wavelength, goodness of fit per set of phases, sources, ranges."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from ssbchar.results.options import Report
from ssbchar.results.report import evidence, evidence_hexrd, evidence_nmr, evidence_xas
from ssbchar.results.report.evidence_parts import Fact, FactTable, write_range, write_uncertain
from ssbchar.results.report.methods import write_citation, write_methods
from ssbchar.results.report.page import list_synonyms
from ssbchar.storage import store


def lattice() -> xr.Dataset:
    present = np.array([[1, 0], [1, 0], [1, 1]])
    return xr.Dataset(
        {
            "rwp": ("frame", [4.0, 6.0, 9.0]),
            "rexp": ("frame", [2.0, 2.0, 3.0]),
            "gof": ("frame", [2.0, 3.0, 3.0]),
            "present": (("frame", "phase"), present),
        },
        {"phase": ["LAGP", "LFP"]},
        {"mode": "rietveld"},
    )


def patterns(**more: object) -> xr.Dataset:
    made = xr.Dataset(
        {
            "wavelength": 0.2413,
            "wavelength_stderr": 7.2e-6,
            "status": ("frame", ["ok", "ok", "zeros"]),
            "exposure": ("frame", [20.0, 20.0, 20.0]),
            "intensity": (("frame", "two_theta"), np.ones((3, 4))),
        },
        {"two_theta": [1.0, 2.0, 3.0, 4.0]},
        {"wavelength_source": "config", "noise": "file", **more},
    )
    made["provenance"] = json.dumps({"inputs": [], "options": {}})
    return made


def values(facts: list[Fact]) -> dict[str, str]:
    return {fact.name: fact.value for fact in facts}


def test_a_heating_series() -> None:
    furnace = xr.Dataset({"temperature": ("frame", [25.0, 300.0, 650.0])})
    phase = xr.Dataset(
        {"structure_factor_squared": ("reflection", [1.0])},
        attrs={
            "cell": [8.2, 8.2, 20.6, 90, 90, 120],
            "space_group": "R -3 c",
            "source": "10.1021/x",
            "cif": "LAGP.cif",
        },
    )
    tables = {"patterns": patterns(), "lattice": lattice(), "furnace": furnace}
    options = Report(hexrd_instrument="17-BM, XRD1621")
    facts, made = evidence_hexrd.describe(tables, {}, {"LAGP": phase}, options)
    said = values(facts)
    assert said["Frames"].startswith("2 of 3 used, 2theta 1 to 4 degree")
    assert said["Wavelength"].startswith("0.2413000 ± 0.0000072 Å (51.38 keV), from the config")
    assert said["Exposure"] == "20 s per frame"
    assert said["Beamline and detector"] == "17-BM, XRD1621"
    assert "Rwp 6 (4 to 9) %" in said["Rwp, Rexp, GOF"]
    sets, phases = made
    assert sets.rows == [
        ("LAGP", "2", "25 to 300", "5 (4 to 6)", "2", "2.5 (2 to 3)"),
        ("LAGP, LFP", "1", "650 to 650", "9", "3", "3"),
    ]
    assert phases.rows[0][1] == "R -3 c"
    assert phases.rows[0][4:] == ("LAGP.cif", "10.1021/x")


def test_what_no_file_states_is_said_to_be_unknown() -> None:
    bare = patterns().drop_vars("exposure")
    facts, made = evidence_hexrd.describe({"patterns": bare}, {}, {}, Report())
    said = values(facts)
    assert said["Exposure"] == said["Beamline and detector"] == "not stated in the files"
    assert "not known here" in said["Calibration"] and made == []


def test_the_detector_is_that_of_the_calibrant_that_was_used() -> None:
    geometry = xr.Dataset(
        {
            "rows": 512,
            "columns": 500,
            "pixel1": 2e-4,
            "pixel2": 1e-4,
            "direct_distance": 0.3,
            "direct_distance_stderr": 2e-6,
            "ring_d": ("ring", np.ones(7)),
        },
        attrs={"calibrant": "CeO2"},
    )
    images = patterns()
    used = {"name": "geometry", "path": "results/r/hexrd/ceo2/geometry.nc"}
    images["provenance"] = json.dumps({"inputs": [used]})
    others = {"ceo2": {"geometry": geometry}, "other": {"geometry": geometry * 2}}
    facts, _ = evidence_hexrd.describe({"patterns": images}, others, {}, Report())
    said = values(facts)
    assert said["Detector"] == (
        "500 x 512 pixels of 100 x 200 µm, 300.0000 ± 0.0020 mm from the sample"
    )
    assert said["Calibration"] == "7 rings of CeO2"


def test_ranges_and_points_of_an_absorption_spectrum() -> None:
    exafs = xr.Dataset(
        {"kmin": 3.0, "kmax": 12.0, "kweight": 2, "independent_points": 17.19},
        attrs={},
    )
    exafs["provenance"] = json.dumps({"options": {"rmax": 3.5}})
    facts, _ = evidence_xas.describe({"exafs": exafs}, {}, {}, Report())
    said = values(facts)
    assert said["k range"] == "3 to 12 1/Å, weighted by k^2"
    assert said["R range"].startswith("1 to 3.5 Å")
    assert said["Independent points"].startswith("17.2 (2 dk dR / pi; Larch's convention adds 1")
    assert "no paths are fitted" in said["S0²"]


def test_an_echo() -> None:
    fid = xr.Dataset(
        {"decay_time": ("slice", [1e-5, 1e-4])},
        {"time": np.arange(5.0)},
        {"nucleus": "7Li", "sfo1": 311.1, "scans": 64, "recycle_delay": 30.0, "pulse_1": 1.6e-6},
    )
    facts, _ = evidence_nmr.describe({"fid": fid}, {}, {}, Report())
    said = values(facts)
    assert said["Spectrometer"].startswith("7Li at 311.1 MHz, probe not stated")
    assert "64 scans, recycle delay 30 s" in said["Acquisition"]
    assert said["Decay times"] == "echo = 0.01 to 0.1 ms"


def test_tables_are_read_by_measurement_and_what_is_lost_is_left_out(tmp_path: Path) -> None:
    fid = xr.Dataset({"decay_time": ("slice", [1e-5], {"units": "s"})}, {"time": [0.0, 1.0]})
    fid["time"].attrs["units"] = "s"
    fid.attrs = {"nucleus": "7Li", "sample": "S", "technique": "nmr"}
    made_by = store.describe_provenance("test", {}, {})
    store.save(fid, tmp_path / "nmr/a/fid.nc", made_by, {})
    store.save(fid.assign_attrs(lost="{}"), tmp_path / "nmr/b/fid.nc", made_by, {})
    paths = [tmp_path / "nmr" / name / "fid.nc" for name in "abc"]
    (found,) = evidence.collect_evidence(paths, Report())
    assert (found.measurement, found.sample, found.technique) == ("a", "S", "nmr")


def test_numbers_in_words() -> None:
    assert write_uncertain(0.2413, 2.9e-5, "Å") == "0.241300 ± 0.000029 Å"
    assert write_uncertain(5.0, np.nan, "") == "5"
    assert write_uncertain(np.nan, 1.0, "") == "unknown"
    assert write_range([np.nan]) == "unknown"
    assert FactTable(title="t", header=("a",), rows=[]).rows == []


def test_the_methods_name_what_calculated_the_paths() -> None:
    (usual,) = write_methods(["xas"], {})
    assert "by FEFF10 (4)" in usual.text and "Kas" in usual.references[3]
    (old,) = write_methods(["xas"], {"xas": {"feff": {"program": "feff6l"}}})
    assert "by FEFF 6 (4)" in old.text and "Albers" in old.references[3]


def test_methods_follow_the_options() -> None:
    departures = {
        "hexrd": {"refine": {"background_terms": 9, "mode": "rietveld"}},
        "xas": {"window": {"kmax": 11.5}},
    }
    hexrd, xas = write_methods(["hexrd", "xas"], departures)
    assert "a background of 9 terms" in hexrd.text and "trusted atoms" in hexrd.text
    assert "to 11.5 1/Å" in xas.text and "Larch's convention" in xas.text
    (usual,) = write_methods(["hexrd"], {})
    assert "a background of 18 terms" in usual.text
    (refused,) = write_methods(["hexrd"], {"hexrd": {"refine": {"nonsense": 1}}})
    assert refused.text.startswith("Not written:")
    assert "commit abc" in write_citation("abc")


def test_quantities_are_found_by_other_words() -> None:
    assert "lattice parameter" in list_synonyms("a")
    assert "lattice" in list_synonyms("cell_change")
    assert "CTE" in list_synonyms("mean_linear_expansion")
    assert "Rwp" in list_synonyms("misfit")
    assert list_synonyms("echo_efficiency_ratio") == ""
