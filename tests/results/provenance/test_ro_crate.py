"""The crate of a run: valid by its own validator, complete, without a machine's paths, and the same
bytes each time."""

import contextlib
import hashlib
import importlib.resources
import json
from pathlib import Path
from typing import Any

import made_report
import pytest

from ssbchar.crystal import phases_file
from ssbchar.pipeline import step
from ssbchar.results.provenance import ro_crate

DEPARTURES = {"hexrd": {"refine": {"background": 9}}, "report": {"title": "T"}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run in ``results/demo``, described; the paths in it are relative, as in a
    workflow."""
    home = tmp_path_factory.mktemp("crate")
    with contextlib.chdir(home):
        write(Path("results/demo"))
    return home / "results/demo"


def write(root: Path) -> Path:
    made = made_report.small(root)
    report = made.write()
    raw = root.parent.parent / "data_raw"
    raw.mkdir(exist_ok=True)
    (raw / "samples.tsv").write_text("measurement\tsample\n")
    labels = {"config": {"run": "demo", "samples": "samples.tsv"}}
    step.run_step(
        "results.provenance.copy_workflow",
        {"samples": [raw / "samples.tsv"]},
        root / "workflow",
        labels=labels,
    )
    outputs = [
        report,
        root / "summary.csv",
        *made.conclusions,
        *made.figures,
        *made.manifests,
        root / "workflow",
    ]
    inputs = {"outputs": outputs, "conclusions": made.conclusions, "manifests": made.manifests}
    told = {"run": "demo", "departures": DEPARTURES}
    target = root / "ro-crate-metadata.json"
    both = [root / "checksums.csv", target]
    step.run_step(
        "results.provenance.describe_run",
        {**inputs, "workflow": [root / "workflow"]},
        both,
        labels=told,
    )
    return target


def graph(run: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((run / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    return {entity["@id"]: entity for entity in content["@graph"]}


def test_every_output_is_there_with_its_hash(run: Path) -> None:
    found = graph(run)
    results = [ref["@id"] for ref in found["#run"]["result"]]
    assert {"report.html", "summary.csv", "checksums.csv", "workflow/"} <= set(results)
    for name in results:
        assert (run / name).exists()
        if not name.endswith("/"):
            assert found[name]["sha256"] == hashlib.sha256((run / name).read_bytes()).hexdigest()


def test_every_raw_file_option_version_and_citation_is_there(run: Path) -> None:
    found = graph(run)
    used = [found[ref["@id"]] for ref in found["#run"]["object"]]
    raw = [entity for entity in used if entity["@id"].startswith("ni:///sha-256;")]
    assert len(raw) == 4
    assert {ro_crate.name_by_hash(entity["sha256"]) for entity in raw} == {
        entity["@id"] for entity in raw
    }
    assert {e["name"]: e["value"] for e in used if e["@type"] == "PropertyValue"} == {
        "hexrd.refine.background": "9",
        "report.title": "T",
    }
    main = found[found["./"]["mainEntity"]["@id"]]
    software = {
        found[ref["@id"]]["name"]: found[ref["@id"]] for ref in main["softwareRequirements"]
    }
    assert {"ssbchar", "numpy", "snakemake"} <= set(software)
    assert all(entity["version"] for entity in software.values())
    assert software["scipy"]["citation"]["@id"] == "https://doi.org/10.1038/s41592-019-0686-2"
    assert "commit" in main["version"]


def test_no_path_of_the_machine_and_the_same_bytes_elsewhere(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (run / "ro-crate-metadata.json").read_text(encoding="utf-8")
    for place in (Path.home(), Path.cwd(), run, ro_crate.__file__):
        assert str(place) not in text
    monkeypatch.chdir(tmp_path)
    assert write(Path("results/demo")).read_text(encoding="utf-8") == text


def test_many_raw_files_are_named_by_their_manifest(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rocrate.rocrate import ROCrate

    monkeypatch.setattr(ro_crate, "LISTED", 0)
    made = ROCrate(version="1.1")
    manifest = run / "hexrd/heat/manifest.csv"
    refs = ro_crate.CrateBuilder(crate=made, root=run).add_raw_files(manifest)
    assert len(refs) == 1
    assert made.dereference(refs[0]["@id"]).properties()["mainEntity"] == {
        "@id": "hexrd/heat/manifest.csv"
    }


TERMS_OF_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
"""The rocrate library holds the context of RO-Crate 1.3; these four names meant something else in
1.1."""


class Context:
    """The context of RO-Crate 1.1, as if it were fetched."""

    status_code = 200
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012

    @property
    def text(self) -> str:
        return json.dumps(self.json())

    def json(self) -> Any:
        text = (importlib.resources.files("rocrate") / "data/ro-crate.jsonld").read_text(
            encoding="utf-8"
        )
        content = json.loads(text)
        content["@context"] |= TERMS_OF_1_1
        return content


@pytest.mark.parametrize(
    "profile", ["ro-crate-1.1", "workflow-ro-crate-1.0", "workflow-run-crate-0.5"]
)
def test_its_own_validator_finds_no_fault(
    run: Path, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = pytest.importorskip(
        "rocrate_validator.services", reason="roc-validator is not installed"
    )
    from rdflib.plugins.shared.jsonld import context
    from rocrate_validator.models import Severity
    from rocrate_validator.utils.http import HttpRequester

    kept = context.source_to_json
    monkeypatch.setattr(
        context,
        "source_to_json",
        lambda source, *more, **words: (
            (Context().json(), None)
            if "/ro/crate/" in str(source)
            else kept(source, *more, **words)
        ),
    )
    monkeypatch.setattr(HttpRequester, "get", lambda *_, **__: Context(), raising=False)
    settings = services.ValidationSettings(
        rocrate_uri=str(run),
        profile_identifier=profile,
        requirement_severity=Severity.REQUIRED,
        offline=True,
        abort_on_first=False,
    )
    issues = [
        f"{i.check.identifier} {i.message} {i.violatingEntity}"
        for i in services.validate(settings).get_issues()
    ]
    assert not [i for i in issues], issues

    broken = json.loads((run / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    broken["@graph"] = [e for e in broken["@graph"] if e["@id"] != "./"]
    (run.parent / "broken").mkdir(exist_ok=True)
    (run.parent / "broken/ro-crate-metadata.json").write_text(json.dumps(broken))
    settings.rocrate_uri = str(run.parent / "broken")
    assert services.validate(settings).get_issues(), (
        "the validator says nothing of a crate without its root"
    )


def test_cifs_are_copied_by_content_and_stay_in_the_folder(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "config", tmp_path / "other"
    (here / "cifs").mkdir(parents=True)
    elsewhere.mkdir()
    (here / "cifs/x.cif").write_text("own x\n")
    (elsewhere / "x.cif").write_text("other x\n")
    (elsewhere / "y.cif").write_bytes("Zürich\n".encode("latin-1"))
    table = here / "p.yaml"
    table.write_text(
        f"# mine\nA: {{cif: cifs/x.cif, source: a}}\nB: {{cif: ../other/x.cif}}\n"
        f"C: {{cif: {elsewhere}/y.cif}}\nD: {{cif: none.cif}}\nE: {{cell: [1, 1, 1, 90, 90, 90]}}\n"
    )
    copied = ro_crate.copy_phases(table)
    assert set(copied) == {"phases.yaml", "cifs/x.cif", "B.cif", "C.cif"}
    assert (copied["cifs/x.cif"], copied["B.cif"], copied["C.cif"]) == (
        "own x\n",
        "other x\n",
        "Zürich\n",
    )
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/phases.yaml").write_text(copied["phases.yaml"])
    entries = phases_file.read_entries(tmp_path / "copy/phases.yaml")
    assert {name: entry.get("cif") for name, entry in entries.items()} == {
        "A": "cifs/x.cif",
        "B": "B.cif",
        "C": "C.cif",
        "D": "none.cif",
        "E": None,
    }
    table.write_text("# mine\nA: {cif: cifs/x.cif}\n")
    assert ro_crate.copy_phases(table)["phases.yaml"] == "# mine\nA: {cif: cifs/x.cif}\n"


def test_a_cif_named_as_another_phase_is_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/B.cif").write_text("inside\n")
    (tmp_path / "B.cif").write_text("outside\n")
    (tmp_path / "in/p.yaml").write_text("A: {cif: B.cif}\nB: {cif: ../B.cif}\n")
    copied = ro_crate.copy_phases(tmp_path / "in/p.yaml")
    assert (copied["B.cif"], copied["_B.cif"]) == ("inside\n", "outside\n")
