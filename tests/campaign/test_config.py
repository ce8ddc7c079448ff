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


STANDARD = "hexrd: {stability: {standard: %s}}\nphases: %s\n"


def test_the_internal_standard_is_a_phase_of_the_phases_file(tmp_path: Path) -> None:
    sheet = f"{HEADER}a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n"
    phases = tmp_path / "phases.yaml"
    phases.write_text("CeO2: {}\nAl2O3: {}\n", encoding="utf-8")
    good = run_of(tmp_path, sheet, STANDARD % ("CeO2", phases))
    assert good.config.hexrd.stability.standard == "CeO2"
    assert faults_of(tmp_path, sheet, STANDARD % ("CeO", phases)) == [
        f"{tmp_path}/config.yaml.hexrd.stability.standard: phase 'CeO' is not in {phases}; "
        "did you mean 'CeO2'?"
    ]
    assert "known are CeO2, Al2O3" in faults_of(tmp_path, sheet, STANDARD % ("Q", phases))[0]
    absent = faults_of(tmp_path, sheet, STANDARD % ("CeO2", tmp_path / "no.yaml"))
    assert len(absent) == 1 and "the phases file does not exist" in absent[0]


def test_the_internal_standard_of_a_row_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "phases.yaml").write_text("CeO2: {}\n", encoding="utf-8")
    extra = f"phases: {tmp_path}/phases.yaml\n"
    sheet = (
        f"{HEADER.replace('reference', 'stability.standard')}"
        f"a\tS\thexrd\tseries\t{tmp_path}/raw\t%s\n"
    )
    run_of(tmp_path, sheet % "CeO2", extra)
    assert faults_of(tmp_path, sheet % "CeO3", extra) == [
        f"{tmp_path}/samples.tsv:2.stability.standard: phase 'CeO3' is not in "
        f"{tmp_path}/phases.yaml; did you mean 'CeO2'?"
    ]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("hexrd: {read: {wavelength: true}}", "hexrd.read.wavelength: Input should be a valid n"),
        ("hexrd: {read: {wavelength: .nan}}", "hexrd.read.wavelength: Input should be a finite n"),
        ("hexrd: {furnace: {log_timezone: Chicago}}", "did you mean 'America/Chicago'?"),
        ("xas: {read: {element: Xx}}", "xas.read.element: 'Xx' is no symbol of an element"),
        ("xas: {read: {edge: no}}", "xas.read.edge: needs a word (given: false)"),
        ("xas: {calibrate: {foil_edge: L4}}", "xas.calibrate.foil_edge: 'L4' is no edge"),
        ("nmr: {read: {nucleus: 7LI}}", "nmr.read.nucleus: nucleus '7LI' is unknown"),
    ],
)
def test_a_value_that_means_nothing_is_refused_before_the_run(
    tmp_path: Path, extra: str, said: str
) -> None:
    sheet = f"{HEADER}a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n"
    faults = faults_of(tmp_path, sheet, f"{extra}\n")
    assert len(faults) == 1 and said in faults[0]


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
