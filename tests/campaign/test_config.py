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


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("../../x", "is a path"),
        ("..", "is a path"),
        ("/tmp/x", "is a path"),
        ("a/b", "is no file name"),
        ("a{b}", "is no file name"),
        ("''", "is empty"),
        ("' '", "is empty"),
        ("", "valid string (given: None)"),
        ("x" * 101, "is 101 bytes long"),
        ("aux", "is a device's name on Windows"),
        ("a.", "ends with a dot"),
        ('"a\\u0007"', "cannot be printed"),
        ("2024", "valid string (given: 2024); quote"),
    ],
)
def test_the_name_of_a_run_stays_in_its_folder(tmp_path: Path, run: str, said: str) -> None:
    sheet = f"{HEADER}a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n"
    run_of(tmp_path, sheet)
    text = f"run: {run}\nsamples: {tmp_path}/samples.tsv\n"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadConfig) as caught:
        config.read_config(tmp_path / "config.yaml")
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(f"{tmp_path}/config.yaml.run: ")
    assert said in caught.value.faults[0]


@pytest.mark.parametrize("name", ["../../x", "..", "a b", "CON", "x" * 101])
def test_the_name_of_a_phase_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "phases.yaml").write_text(f'A: {{}}\n"{name}": {{}}\n', encoding="utf-8")
    sheet = f"{HEADER.replace('reference', 'phases')}a\tS\thexrd\tseries\t{tmp_path}/raw\tA\n"
    extra = f"phases: {tmp_path}/phases.yaml\n"
    also = faults_of(tmp_path, sheet, f"{extra}reprot: {{}}\n")
    assert len(also) == 2, "whatever else is wrong"
    faults = faults_of(tmp_path, sheet, extra)
    assert len(faults) == 1 and faults[0].startswith(f"{tmp_path}/phases.yaml: phase '")


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    sheet = (
        f"{HEADER}a b\tS\tnmr\tspectrum\t{tmp_path}/raw\t\nb\tS\tnmr\techo\t{tmp_path}/none\tc\n"
    )
    faults = faults_of(
        tmp_path, sheet, "nmr: {read: {nucleos: 7Li}}\nhexrd: {refine: {chunk: 0}}\n"
    )
    said = "\n".join(faults)
    for part in ("nucleos", "chunk", "'a b' is no file name", "'echo' is not known"):
        assert said.count(part) == 1
    assert "none' does not exist" in said and "reference 'c' is no measurement" in said


def test_faults_of_one_row_set_it_aside_alone(tmp_path: Path) -> None:
    sheet = (
        f"{HEADER.strip()}\tcompare_to\n"
        f"a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\t\nb\tS\tnmr\tspectrum\t{tmp_path}/none\t\ta\n"
    )
    found = run_of(tmp_path, sheet)
    assert [row.measurement for row in found.rows] == ["a", "b"]
    assert list(found.set_aside) == ["b"]
    said = [str(fault) for fault in found.set_aside["b"]]
    assert said[0].startswith(f"{tmp_path}/samples.tsv:3: path '{tmp_path}/none' does not exist; ")
    assert said[1].startswith(f"{tmp_path}/samples.tsv:3: compare_to is not used by nmr rows")
    assert len(said) == 2 and found.row("b").compare_to == ""


@pytest.mark.parametrize("name", ["*", "*_If", "2", "No", "#3"])
def test_a_cell_of_a_group_or_column_is_its_name(tmp_path: Path, name: str) -> None:
    sheet = HEADER.replace("reference", "read.mu\tread.fluorescence")
    sheet += f"a\tS\txas\treference\t{tmp_path}/raw\t{name}\t{name}\n"
    found = run_of(tmp_path, sheet).options("xas.read", "a")
    assert found == {"mu": name, "fluorescence": (name,)}


def test_a_config_in_another_encoding_and_the_notes_of_its_sheet(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    text = f"measurement,sample,technique,role,path\na,Größe,nmr,spectrum,{tmp_path}/raw\n"
    (tmp_path / "s.csv").write_bytes(text.encode("latin-1"))
    (tmp_path / "c.yaml").write_bytes(f"run: Größe\nsamples: {tmp_path}/s.csv\n".encode("utf-16"))
    found = config.read_config(tmp_path / "c.yaml")
    assert (found.config.run, found.rows[0].sample) == ("Größe", "Größe")
    assert found.notes == [
        f"{tmp_path}/s.csv: read as Latin-1, as it is no UTF-8: 'Größe'",
        f"{tmp_path}/s.csv: commas between cells",
    ]


def test_another_reader_of_yaml_may_not_drop_a_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("hexrd: {}\nxas: {}\nhexrd: {}\n")
    with pytest.raises(BadConfig, match=r"a\.yaml:3: 'hexrd' is given twice, in lines 1 and 3"):
        config.check_files([tmp_path / "a.yaml"])
    (tmp_path / "a.yaml").write_text("hexrd: {}\n")
    config.check_files([tmp_path / "a.yaml"])


def test_a_sheet_without_rows_is_a_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, f"{HEADER}#a\tS\tnmr\tspectrum\t{tmp_path}/raw\t\n") == [
        f"{tmp_path}/samples.tsv: the sample sheet has no rows; give one per measurement"
    ]
