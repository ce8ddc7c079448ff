"""A wrong config or sample sheet gives one clear line per fault, with the place and the remedy."""

from pathlib import Path

import pytest

from ssbchar.campaign import config, schema
from ssbchar.errors import BadConfig

HEADER = "measurement\tsample\ttechnique\trole\tpath\treference\n"


def run_of(folder: Path, sheet: str, extra: str = "") -> config.ConfiguredRun:
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "samples.tsv").write_text(sheet, encoding="utf-8")
    file = folder / "config.yaml"
    file.write_text(f"run: t\nsamples: {folder}/samples.tsv\n{extra}", encoding="utf-8")
    return config.read_config(file)


def faults_of(folder: Path, sheet: str, extra: str = "") -> list[str]:
    with pytest.raises(BadConfig) as caught:
        run_of(folder, sheet, extra)
    return caught.value.faults


def test_a_good_sheet_passes(tmp_path: Path) -> None:
    found = run_of(tmp_path, f"# comment\n{HEADER}a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n")
    assert [r.measurement for r in found.rows] == ["a"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a\tS\tnmr\tspectrum\t{raw}/none\t", "does not exist"),
        ("a\tS\tesr\tspectrum\t{raw}\t", "technique 'esr' is unknown; use hexrd, xas, nmr"),
        ("a\tS\tnmr\tspectra\t{raw}\t", "role 'spectra' is not known for nmr"),
        ("a\tS\tnmr\tspectrum\t{raw}\tli", "reference 'li' is no measurement"),
        ("a\tS\tnmr\tspectrum\t{raw}\ta", "names the row itself"),
        (
            "a\tS\tnmr\tspectrum\t{raw}\t\nb\tS\tnmr\tspectrum\t{raw}\t\na\tS\tnmr\tspectrum\t{raw}\t",
            "already in line 2",
        ),
        ("a\t\tnmr\tspectrum\t{raw}\t", "'sample' is empty"),
        ("a b\tS\tnmr\tspectrum\t{raw}\t", "no file name"),
        ("a\tS\tnmr\tspectrum\t{raw}\t\tx\ty", "cells for"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    faults = faults_of(tmp_path, HEADER + row.format(raw=tmp_path / "raw") + "\n")
    assert len(faults) == 1
    assert said in faults[0]
    assert f"{tmp_path}/samples.tsv:" in faults[0]


def test_unknown_keys_are_named_with_the_nearest_known(tmp_path: Path) -> None:
    sheet = f"{HEADER}a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n"
    assert "did you mean 'nmr'?" in faults_of(tmp_path, sheet, "nrm: {}\n")[0]
    assert (
        "did you mean 'nucleus'?" in faults_of(tmp_path, sheet, "nmr: {read: {nucleos: 7Li}}\n")[0]
    )
    assert "valid string" in faults_of(tmp_path, sheet, "nmr: {read: {nucleus: 7}}\n")[0]
    assert "no valid YAML" in faults_of(tmp_path, sheet, "nmr: [\n")[0]


def test_a_column_may_depart_from_the_config_for_its_row(tmp_path: Path) -> None:
    sheet = (
        HEADER.replace("reference", "read.nucleus") + f"a\tS\tnmr\tspectrum\t{tmp_path}/raw\t6Li\n"
    )
    assert run_of(tmp_path, sheet).options("nmr.read", "a") == {"nucleus": "6Li"}
    wrong = sheet.replace("read.nucleus", "read.nucleos")
    assert "did you mean 'nucleus'?" in faults_of(tmp_path, wrong)[0]


def test_paths_take_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path))
    row = run_of(tmp_path, f"{HEADER}a\tS\tnmr\tspectrum\t${{WHERE:-nowhere}}/raw\t\n").rows[0]
    assert row.path == f"{tmp_path}/raw"


def test_a_missing_key_or_sheet_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("run: t\n")
    with pytest.raises(BadConfig, match="'samples' is missing"):
        config.read_config(tmp_path / "c.yaml")
    with pytest.raises(BadConfig, match="does not exist"):
        config.read_config(tmp_path / "no.yaml")


def test_generated_files_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parent.parent.parent
    monkeypatch.chdir(root)
    stale = [
        str(p)
        for p, text in schema.generate_files().items()
        if (root / p).read_text(encoding="utf-8") != text
    ]
    assert not stale, "run `ssbchar schema`"


def test_the_schema_refuses_what_the_dataclasses_refuse() -> None:
    made = schema.make_schema()
    assert made["additionalProperties"] is False
    assert set(made["required"]) == {"run", "samples"}
    assert all(e["description"] for e in made["$defs"]["Tracking"]["properties"].values())
