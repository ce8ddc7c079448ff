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
