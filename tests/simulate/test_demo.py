"""The demonstration: same bytes from a seed, synthetic in every file, truth in the contract's
names, no fitter."""

import ast
import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

import ssbchar.simulate
from ssbchar.simulate import demo, truth

ROOT = Path(__file__).parents[2]
UNITS = {
    "a": "angstrom",
    "b": "angstrom",
    "c": "angstrom",
    "alpha": "degree",
    "beta": "degree",
    "gamma": "degree",
    "volume": "angstrom^3",
    "volume_return": "percent",
    "mean_linear_expansion": "1/K",
    "mean_volume_expansion": "1/K",
    "onset_temperature": "degC",
    "end_temperature": "degC",
    "phase_stability": "",
    "edge_shift": "eV",
    "white_line_change": "1",
    "shell_1_ratio": "1",
    "shell_2_ratio": "1",
    "shell_3_ratio": "1",
    "reduced_fraction": "1",
    "structure": "",
    "li_metal_fraction": "percent",
    "li_si_fraction": "percent",
    "t2_star": "s",
    "alloyed_share": "percent",
    "x_alloyed": "1",
}
"""Headline quantities with their units, as docs/data-model.md lists them."""


def digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_same_seed_same_bytes(small: Path, tmp_path: Path):
    demo.write_demo(tmp_path, small=True)
    assert digests(tmp_path) == digests(small)


def test_another_seed_other_noise(small: Path, tmp_path: Path):
    demo.write_demo(tmp_path, seed=demo.SEED + 1, small=True, parts=("nmr",))
    first, second = digests(small), digests(tmp_path)
    fids = [name for name in second if name.endswith(("/fid", "/ser"))]
    assert fids and all(first[name] != second[name] for name in fids)


def test_parts_do_not_disturb_each_other(small: Path, tmp_path: Path):
    demo.write_demo(tmp_path, small=True, parts=("xas",))
    alone = {name: d for name, d in digests(tmp_path).items() if name.startswith("xas/")}
    assert alone == {name: d for name, d in digests(small).items() if name.startswith("xas/")}


def test_fewer_counts_change_the_heating_series_alone(small: Path, tmp_path: Path):
    demo.write_demo(tmp_path, small=True, parts=("hexrd",), counts=0.1)
    name = "hexrd/heating_LAGP_LFP/001.xye"
    usual, fewer = (np.loadtxt(folder / name)[:, 1] for folder in (small, tmp_path))
    assert np.mean(fewer) == pytest.approx(0.1 * np.mean(usual), rel=0.01)
    images = "hexrd/CeO2_calibrant"
    assert digests(tmp_path / images) == digests(small / images)
    assert "0.1 times the counts" in (tmp_path / "README.txt").read_text()


def test_every_raw_file_says_synthetic(small: Path):
    for path in small.rglob("*"):
        if not path.is_file() or path.name == "truth.json":
            continue
        if path.name in (
            "fid",
            "ser",
            "vdlist",
        ):  # binary words or bare numbers: their acqus and title say it
            assert "synthetic" in (path.parent / "acqus").read_text()
            assert "synthetic" in (path.parent / "pdata" / "1" / "title").read_text()
        else:
            assert b"synthetic" in path.read_bytes(), path


def test_truth_uses_the_contract(small: Path):
    rows = truth.load_truths(small / "truth.json")
    contract = (ROOT / "docs" / "data-model.md").read_text()
    assert len(rows) > 80
    for row in rows:
        assert UNITS[row.quantity] == row.unit, row
        assert f"`{row.quantity}`" in contract
        assert (row.value is None) == bool(row.verdict), row
    keys = [(r.sample, r.technique, r.subject, r.condition, r.quantity) for r in rows]
    assert len(set(keys)) == len(keys)


def test_truth_states_the_published_claims(small: Path):
    value = {
        (r.sample, r.subject, r.condition, r.quantity): r.value
        for r in truth.load_truths(small / "truth.json")
    }
    for phase in ("LAGP", "LFP"):
        assert abs(value["LAGP+LFP", phase, "after cooling", "volume_return"]) < 0.2
    for phase in ("LAGP", "NCM811"):
        assert value["LAGP+NCM811", phase, "heating", "end_temperature"] == 760.0
    assert value["LAGP+NCM811", "Co3PO42", "heating", "onset_temperature"] == 600.0
    published = {
        "100 MPa 30 s": 6.9,
        "200 MPa 30 s": 7.1,
        "400 MPa 30 s": 3.0,
        "200 MPa 3 min": 1.8,
    }
    for pressing, percent in published.items():
        got = value[f"Li1Si {pressing}", "li_metal", "corrected", "li_metal_fraction"]
        assert round(got, 1) == percent


def test_sheets_cover_the_demonstration(small: Path):
    rows = truth.load_truths(small / "truth.json")
    for name in ("config/samples.tsv", "config/minimal/samples.tsv"):
        lines = [
            x.split("\t")
            for x in (ROOT / name).read_text().splitlines()
            if x and not x.startswith("#")
        ]
        samples = {dict(zip(lines[0], x, strict=False))["sample"] for x in lines[1:]}
        assert {r.sample for r in rows} <= samples
        paths = [Path(x[lines[0].index("path")]) for x in lines[1:]]
        assert all((small / Path(*p.parts[2:])).exists() for p in paths)


def test_phases_of_the_sheet_are_the_truths(small: Path):
    phases = {r.subject for r in truth.load_truths(small / "truth.json") if r.quantity == "volume"}
    known = yaml.safe_load((ROOT / "config" / "phases" / "phases.yaml").read_text())
    assert phases <= set(known)


def test_simulator_imports_no_fitter():
    allowed = {"ssbchar.simulate", "ssbchar.constants", "ssbchar.typing"}
    for path in Path(ssbchar.simulate.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [f"{node.module}"]
            for name in names:
                if name.startswith("ssbchar"):
                    assert any(name == a or name.startswith(a + ".") for a in allowed), (
                        path.name,
                        name,
                    )
                assert name.split(".")[0] not in (
                    "scipy",
                    "nmrglue",
                    "pymatgen",
                    "pyFAI",
                    "larch",
                ), (path.name, name)
