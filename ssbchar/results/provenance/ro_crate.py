"""The run as a Workflow Run RO-Crate: what went in, what was run with which options, what came out,
whom to cite.

``results/<run>/`` is the crate, ``ro-crate-metadata.json`` in it describes it. Specifications:
RO-Crate Metadata 1.1; Workflow Run Crate 0.5 (Leo et al., 10.1371/journal.pone.0309210). Files
outside of the folder have names made of their sha256 (``ni:``, RFC 6920).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import ssbchar
from ssbchar.results.provenance import verify
from ssbchar.results.report.page import flatten_options, list_versions
from ssbchar.storage import raw_files, store

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""Terms beyond the base context."""
LISTED = 5000
"""Raw files of one measurement that are listed one by one; beyond it their manifest stands for
them."""
CITED = {
    "numpy": ("Harris et al. 2020, Array programming with NumPy", "10.1038/s41586-020-2649-2"),
    "scipy": ("Virtanen et al. 2020, SciPy 1.0", "10.1038/s41592-019-0686-2"),
    "xarray": ("Hoyer and Hamman 2017, xarray", "10.5334/jors.148"),
    "matplotlib": ("Hunter 2007, Matplotlib", "10.1109/MCSE.2007.55"),
    "nmrglue": ("Helmus and Jaroniec 2013, nmrglue", "10.1007/s10858-013-9718-x"),
    "pymatgen": ("Ong et al. 2013, Python Materials Genomics", "10.1016/j.commatsci.2012.10.028"),
    "snakemake": (
        "Moelder et al. 2021, Sustainable data analysis with Snakemake",
        "10.12688/f1000research.29032.2",
    ),
}
"""Publications of the libraries a run rests on."""


def copy_workflow(
    samples: Path, labels: dict[str, Any], home: Path | None = None, phases: Path | None = None
) -> dict[str, str]:
    """Return the text files that say what was run: the workflow, the config, the sample sheet and
    the phases.

    Parameters
    ----------
    samples : Path
        The sample sheet.
    labels : dict
        ``config``: what the config file says.
    home : Path, optional
        The workflow's folder (``Snakefile``, ``rules/``); that beside the package unless given.
    phases : Path, optional
        The phases file; the CIFs it names are taken too.
    """
    home = home or Path(ssbchar.__file__).parent.parent / "workflow"
    names = [
        "Snakefile",
        *sorted(p.relative_to(home).as_posix() for p in (home / "rules").glob("*.smk")),
    ]
    texts = {name: (home / name).read_text(encoding="utf-8") for name in names}
    texts["config.yaml"] = yaml.safe_dump(labels["config"], sort_keys=True)
    texts["samples.tsv"] = samples.read_text(encoding="utf-8")
    if phases:
        texts["phases/phases.yaml"] = phases.read_text(encoding="utf-8")
        for entry in (yaml.safe_load(texts["phases/phases.yaml"]) or {}).values():
            if "cif" in entry:
                texts[f"phases/{entry['cif']}"] = (phases.parent / entry["cif"]).read_text(
                    encoding="utf-8"
                )
    return texts


def describe_run(
    outputs: list[Path],
    conclusions: list[Path],
    manifests: list[Path],
    workflow: Path,
    labels: dict[str, Any],
) -> tuple[str, str]:
    """Return ``checksums.csv`` of a run, what `verify` compares with, and its
    ``ro-crate-metadata.json``.

    It holds no time of the run, so that the same inputs give the same bytes: ``datePublished``,
    which the specification demands, is ``SOURCE_DATE_EPOCH`` or else the date of the software's
    commit.

    Parameters
    ----------
    outputs : list of Path
        What the run ends in.
    conclusions : list of Path
        The ``conclusions.json`` of every measurement.
    manifests : list of Path
        Tables of raw files (path, bytes, sha256), one per measurement.
    workflow : Path
        What `sheets` wrote.
    labels : dict
        ``run``; ``departures``, the run's options that differ from defaults (nested).
    """
    from rocrate.rocrate import ROCrate

    made = ROCrate(version="1.1")
    made.metadata.extra_terms.update(TERMS)
    run, root = str(labels.get("run", "")), workflow.parent
    contents = [store.read_json(path) for path in conclusions]
    synthetic = any(int(c["labels"].get("synthetic", 0)) for c in contents)
    main = _add_workflow(
        made, workflow.relative_to(root), sorted(raw_files.find_files(workflow)), root
    )
    used = [ref for manifest in manifests for ref in _add_raw_files(made, manifest, root)]
    for ref in {ref["@id"]: ref for ref in used}.values():
        made.root_dataset.append_to("hasPart", ref)
    used += _add_options(made, labels.get("departures") or {}, main)
    used += [
        {"@id": f"{workflow.relative_to(root)}/{name}"} for name in ("config.yaml", "samples.tsv")
    ]
    hashed = verify.hash_outputs(outputs)
    results = [{"@id": _add_output(made, row, root)} for row in hashed]
    record = verify.format_checksums(hashed)
    digest = hashlib.sha256(record.encode()).hexdigest()
    about_record = {
        "encodingFormat": "text/csv",
        "contentSize": str(len(record.encode())),
        "sha256": digest,
    }
    results.append({"@id": made.add_file(dest_path=verify.RECORD, properties=about_record).id})
    software = {
        json.dumps({k: c["provenance"][k] for k in ("version", "commit", "dirty")})
        for c in contents
    }
    action = _add_entity(
        made,
        "#run",
        "CreateAction",
        name=f"run {run} of ssbchar",
        instrument={"@id": main},
        object=used,
        result=results,
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
        description=f"made by {'; '.join(sorted(software))}",
    )
    about = "Conclusions, figures and report of HEXRD, XAS and 7Li NMR measurements of a solid-state-battery campaign"
    _describe_root(made, run, about + (", from synthetic data" if synthetic else ""), main, action)
    return record, json.dumps(made.metadata.generate(), indent=1, sort_keys=True) + "\n"


def _describe_root(made: ROCrate, run: str, about: str, main: str, action: dict[str, str]) -> None:
    root = made.root_dataset
    licence = "not stated: the owner of the data sets it on publication"
    root["name"], root["description"], root["datePublished"] = (
        f"ssbchar run {run}",
        about,
        store.find_software_date(),
    )
    root["license"] = _add_entity(
        made, "#licence", "CreativeWork", name="licence of the data", description=licence
    )
    root["mainEntity"], root["mentions"] = {"@id": main}, action
    root["conformsTo"] = [
        _add_entity(made, k, "CreativeWork", name=v, version=k[-3:]) for k, v in PROFILES.items()
    ]
    root["citation"] = [
        _add_entity(made, f"https://doi.org/{doi}", "ScholarlyArticle", name=name)
        for name, doi in CITED.values()
    ]
    made.metadata["conformsTo"] = [
        {"@id": "https://w3id.org/ro/crate/1.1"},
        {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
    ]


def _add_workflow(made: ROCrate, folder: Path, files: Sequence[Path], root: Path) -> str:
    """Add the workflow's files and the software it runs; return the name of its main file."""
    language = _add_entity(
        made,
        "#snakemake",
        ["ComputerLanguage", "SoftwareApplication"],
        name="Snakemake",
        url={"@id": "https://snakemake.github.io"},
        identifier={"@id": "https://snakemake.github.io"},
        version=dict(list_versions()).get("snakemake", ""),
    )
    libraries = [
        _add_entity(
            made,
            f"#software-{name}",
            "SoftwareApplication",
            name=name,
            softwareVersion=version,
            version=version,
            **({"citation": {"@id": f"https://doi.org/{CITED[name][1]}"}} if name in CITED else {}),
        )
        for name, version in list_versions()
    ]
    bsd = _add_entity(
        made, "https://spdx.org/licenses/BSD-3-Clause", "CreativeWork", name="BSD-3-Clause"
    )
    authors = _add_entity(made, "#developers", "Organization", name="the ssbchar developers")
    main = folder / "Snakefile"
    for path in files:
        name = path.relative_to(root)
        properties = _describe_file(path)
        if name == main:
            properties |= {
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
                "name": "ssbchar: raw files of a solid-state-battery campaign to a report",
                "programmingLanguage": language,
                "softwareRequirements": libraries,
                "license": bsd,
                "creator": authors,
                "version": f"{ssbchar.__version__} (commit {_describe_commit()})",
                "hasPart": [
                    {"@id": p.relative_to(root).as_posix()} for p in files if p.suffix == ".smk"
                ],
            }
        elif path.suffix == ".smk":
            properties |= {
                "@type": ["File", "SoftwareSourceCode"],
                "programmingLanguage": language,
                "license": bsd,
            }
        made.add_file(dest_path=name.as_posix(), properties=properties)
    return main.as_posix()


def _add_raw_files(made: ROCrate, manifest: Path, root: Path) -> list[dict[str, str]]:
    """Add the raw files of one measurement; return their names."""
    table = raw_files.read_rows(manifest)
    measurement = f"{manifest.parent.parent.name} {manifest.parent.name}"
    if not all("sha256" in row for row in table):
        return []
    if len(table) > LISTED:
        name = name_by_hash(raw_files.hash_file(manifest))
        files = {"@id": manifest.relative_to(root).as_posix()}
        text = f"{len(table)} raw files of {measurement}, each with its sha256 in the manifest"
        return [
            _add_entity(
                made,
                name,
                "Collection",
                name=f"raw data of {measurement}",
                description=text,
                mainEntity=files,
            )
        ]
    found: dict[str, dict[str, Any]] = {}
    for row in table:
        facts = {"names": [], "bytes": row["bytes"], "sha256": row["sha256"]}
        entry = found.setdefault(name_by_hash(row["sha256"]), facts)
        entry["names"].append(row["path"])
    return [
        _add_entity(
            made,
            name,
            "File",
            name=row["names"][0],
            contentSize=row["bytes"],
            sha256=row["sha256"],
            description=f"raw data of {measurement}",
            alternateName=row["names"][1:],
        )
        for name, row in found.items()
    ]


def _add_options(made: ROCrate, departures: Mapping[str, Any], main: str) -> list[dict[str, str]]:
    """Add the options that differ from the defaults, and say that the workflow takes them."""
    found = []
    for name, value in flatten_options(departures):
        slug = "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        formal = _add_entity(
            made,
            f"#parameter-{slug}",
            "FormalParameter",
            name=name,
            additionalType="Text",
            conformsTo={"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        )
        made.dereference(main).append_to("input", formal)
        found.append(
            _add_entity(
                made,
                f"#option-{slug}",
                "PropertyValue",
                name=name,
                value=value,
                exampleOfWork=formal,
            )
        )
    return found


def _add_output(made: ROCrate, row: Mapping[str, str], root: Path) -> str:
    path = Path(row["path"])
    name = path.relative_to(root).as_posix()
    if not path.is_dir():
        return str(made.add_file(dest_path=name, properties=_describe_file(path, row["sha256"])).id)
    text = f"{row['files']} files; sha256 over their names and contents: {row['sha256']}"
    made.add_dataset(dest_path=f"{name}/", properties={"name": name, "description": text})
    return f"{name}/"


def _describe_file(path: Path, digest: str = "") -> dict[str, Any]:
    kinds = {
        ".html": "text/html",
        ".csv": "text/csv",
        ".json": "application/json",
        ".nc": "application/x-hdf5",
    }
    return {
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": kinds.get(path.suffix, "text/plain"),
        "sha256": digest or raw_files.hash_file(path),
    }


def _add_entity(
    made: ROCrate, key: str, kind: str | list[str], /, **properties: Any
) -> dict[str, str]:
    from rocrate.model.contextentity import ContextEntity

    kept = {"@type": kind, **{k: v for k, v in properties.items() if v not in ("", [])}}
    return {"@id": str(made.add(ContextEntity(made, key, properties=kept)).id)}


def name_by_hash(digest: str) -> str:
    """Return the name of a file by its sha256 (RFC 6920)."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")


def _describe_commit() -> str:
    made = store.find_commit()
    return (made["commit"] or "unknown") + (", with uncommitted changes" if made["dirty"] else "")
