"""The run as a Workflow Run RO-Crate: inputs, workflow and options, outputs, publications to cite.

``results/<run>/`` is the crate, ``ro-crate-metadata.json`` in it describes it. Specifications:
RO-Crate Metadata 1.1; Workflow Run Crate 0.5 (Leo et al., 10.1371/journal.pone.0309210). Files
outside of the folder have names made of their sha256 (``ni:``, RFC 6920).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import ssbchar
from ssbchar.crystal.cif_file import decode_cif
from ssbchar.crystal.phases_file import find_cif, read_entries
from ssbchar.errors import BadInput
from ssbchar.results.provenance import verify
from ssbchar.results.run_description import flatten_options, list_versions
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.storage import raw_files, store
from ssbchar.storage.sheet_file import format_sheet_file
from ssbchar.storage.user_text import read_user_text

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
"""Most raw files of one measurement that are listed one by one; if there are more, their manifest
stands for them."""
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
SNAKEMAKE = "https://snakemake.github.io"
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
ABOUT = (
    "Conclusions, figures and report of HEXRD, XAS and 7Li NMR measurements of a "
    "solid-state-battery campaign"
)
FILE_TYPES = {
    ".html": "text/html",
    ".csv": "text/csv",
    ".json": "application/json",
    ".nc": "application/x-hdf5",
}
"""Media type by suffix; others are plain text."""
Reference = dict[str, str]
"""An entity of the crate by its name: ``{"@id": name}``."""


def copy_workflow(
    samples: Path, labels: dict[str, Any], home: Path | None = None, phases: Path | None = None
) -> dict[str, str]:
    """Return the files that define a run: the workflow, the config, the sample sheet, the phases.

    Parameters
    ----------
    samples : Path
        The sample sheet.
    labels : dict
        ``config``: the content of the config file.
    home : Path, optional
        The workflow's folder (``Snakefile``, ``rules/``); by default that beside the package.
    phases : Path, optional
        The phases file; the CIFs it names are copied too.

    Returns
    -------
    dict of str
        Text by file name.
    """
    home = home or find_shipped("workflow")
    # Sorted, so that the crate has the same bytes on every machine.
    rules = sorted(path.relative_to(home).as_posix() for path in (home / "rules").glob("*.smk"))
    texts = {name: (home / name).read_text(encoding="utf-8") for name in ("Snakefile", *rules)}
    texts["config.yaml"] = yaml.safe_dump(labels["config"], sort_keys=True)
    texts["samples.tsv"] = format_sheet_file(samples)
    if phases:
        copied = copy_phases(phases)
        texts.update({f"phases/{name}": text for name, text in copied.items()})
    return texts


def copy_phases(table: Path) -> dict[str, str]:
    """Return a phases file as ``phases.yaml`` with the CIFs that it names.

    A CIF below the phases file's folder keeps its place. One from elsewhere is named after its
    phase, and ``phases.yaml`` is written anew to name it so. A CIF that is missing is left out: its
    phase was set aside.

    Parameters
    ----------
    table : Path
        The phases file.

    Returns
    -------
    dict of str
        Text by file name, none outside of the folder.

    Raises
    ------
    BadInput
        The phases file is no YAML.
    """
    entries = read_entries(table)
    copied: dict[str, str] = {}
    elsewhere = []
    for name, entry in entries.items():
        cif = find_cif(table, entry)
        if cif is None or not cif.is_file():
            continue
        place = os.path.normpath(str(entry["cif"]))
        if os.path.isabs(place) or place.split(os.sep)[0] == os.pardir:
            elsewhere.append((name, cif))
        else:
            copied[Path(place).as_posix()] = _read_any_cif(cif)
    for name, cif in elsewhere:
        place = f"{name}.cif"
        while place in copied:
            place = f"_{place}"
        copied[place] = _read_any_cif(cif)
        entries[name] = {**entries[name], "cif": place}
    if not elsewhere:
        return {"phases.yaml": read_user_text(table).text, **copied}
    note = "# Written anew: CIFs from other folders were copied beside this file.\n"
    dumped = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    return {**copied, "phases.yaml": f"{note}{dumped}"}


def _read_any_cif(path: Path) -> str:
    """Return the text of a CIF as the phases are read, each byte as a letter where its encoding is
    not known."""
    content = path.read_bytes()
    try:
        return decode_cif(content, path)
    except BadInput:
        return content.decode("latin-1")


def describe_run(
    outputs: list[Path],
    conclusions: list[Path],
    manifests: list[Path],
    workflow: Path,
    labels: dict[str, Any],
) -> tuple[str, str]:
    """Return ``checksums.csv`` of a run, which `verify_run` reads, and ``ro-crate-metadata.json``.

    Neither has the time of the run, so that the same inputs give the same bytes: ``datePublished``,
    which the specification demands, is ``SOURCE_DATE_EPOCH`` or else the date of the software's
    commit.

    Parameters
    ----------
    outputs : list of Path
        Files and folders that the run ends in.
    conclusions : list of Path
        The ``conclusions.json`` of every measurement.
    manifests : list of Path
        Tables of raw files (path, bytes, sha256), one per measurement.
    workflow : Path
        The folder that `copy_workflow` wrote.
    labels : dict
        ``run``; ``departures``, the run's options that differ from defaults (nested).

    Returns
    -------
    checksums, metadata : str
    """
    from rocrate.rocrate import ROCrate

    builder = CrateBuilder(crate=ROCrate(version="1.1"), root=workflow.parent)
    builder.crate.metadata.extra_terms.update(TERMS)
    main = builder.add_workflow(workflow)
    used = [ref for manifest in manifests for ref in builder.add_raw_files(manifest)]
    # Measurements may share raw files; each is part of the crate once.
    for ref in {ref["@id"]: ref for ref in used}.values():
        builder.crate.root_dataset.append_to("hasPart", ref)
    used += builder.add_options(labels.get("departures") or {}, main)
    folder = workflow.relative_to(builder.root)
    used += [{"@id": f"{folder}/{name}"} for name in ("config.yaml", "samples.tsv")]
    # Hashed once, for the crate and for the table of checksums.
    hashed = {Path(row["path"]): row for row in verify.hash_outputs(outputs)}
    results = [builder.add_output(path, hashed) for path in outputs]
    results.append(builder.add_record())
    contents = [store.read_json(path) for path in conclusions]
    run = str(labels.get("run", ""))
    action = builder.add_entity(
        "#run",
        "CreateAction",
        name=f"run {run} of ssbchar",
        instrument={"@id": main},
        object=used,
        result=results,
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
        description=f"made by {_describe_software(contents)}",
    )
    synthetic = any(int(content["labels"].get("synthetic", 0)) for content in contents)
    about = f"{ABOUT}, from synthetic data" if synthetic else ABOUT
    builder.describe_root(f"ssbchar run {run}", about, main=main, action=action)
    metadata = json.dumps(builder.crate.metadata.generate(), indent=1, sort_keys=True)
    made_from = verify.list_intermediates(outputs, builder.root)
    rows = {row["path"]: row for row in [*made_from, *hashed.values()]}
    return verify.seal_records(list(rows.values()), f"{metadata}\n", builder.root)


def _describe_software(contents: Sequence[Mapping[str, Any]]) -> str:
    """Return version and commit of ssbchar that made the conclusions, each state once."""
    names = ("version", "commit", "dirty")
    states = {json.dumps({name: c["provenance"][name] for name in names}) for c in contents}
    return "; ".join(sorted(states))


@dataclass(frozen=True, kw_only=True)
class CrateBuilder:
    """A crate that is being filled."""

    crate: ROCrate
    root: Path
    """Folder of the run; names in the crate are relative to it."""

    def name_file(self, path: Path) -> str:
        """Return the name of a file of the run in the crate."""
        return path.relative_to(self.root).as_posix()

    def add_entity(self, key: str, kind: str | list[str], /, **properties: Any) -> Reference:
        """Add something that is not a file; empty properties are left out."""
        from rocrate.model.contextentity import ContextEntity

        given = {name: value for name, value in properties.items() if value not in ("", [])}
        entity = ContextEntity(self.crate, key, properties={"@type": kind, **given})
        return {"@id": str(self.crate.add(entity).id)}

    def describe_root(self, name: str, about: str, *, main: str, action: Reference) -> None:
        """Describe the crate itself: name, licence, profiles, publications to cite."""
        root = self.crate.root_dataset
        root["name"] = name
        root["description"] = about
        root["datePublished"] = store.find_software_date()
        root["license"] = self.add_entity(
            "#licence",
            "CreativeWork",
            name="licence of the data",
            description="not stated: the owner of the data sets it on publication",
        )
        root["mainEntity"], root["mentions"] = {"@id": main}, action
        root["conformsTo"] = [
            self.add_entity(profile, "CreativeWork", name=title, version=profile[-3:])
            for profile, title in PROFILES.items()
        ]
        root["citation"] = [
            self.add_entity(f"https://doi.org/{doi}", "ScholarlyArticle", name=title)
            for title, doi in CITED.values()
        ]
        self.crate.metadata["conformsTo"] = [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ]

    def add_workflow(self, folder: Path) -> str:
        """Add the workflow's files and the software it runs; return the name of its main file."""
        language = self.add_entity(
            "#snakemake",
            ["ComputerLanguage", "SoftwareApplication"],
            name="Snakemake",
            url={"@id": SNAKEMAKE},
            identifier={"@id": SNAKEMAKE},
            version=dict(list_versions()).get("snakemake", ""),
        )
        libraries = [self._add_library(name, version) for name, version in list_versions()]
        licence = self.add_entity(LICENCE, "CreativeWork", name="BSD-3-Clause")
        authors = self.add_entity("#developers", "Organization", name="the ssbchar developers")
        files = sorted(raw_files.find_files(folder))
        rules = [path for path in files if path.suffix == ".smk"]
        main = folder / "Snakefile"
        for path in files:
            properties = _describe_file(path)
            code = {"programmingLanguage": language, "license": licence}
            if path == main:
                properties |= code | {
                    "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
                    "name": "ssbchar: raw files of a solid-state-battery campaign to a report",
                    "softwareRequirements": libraries,
                    "creator": authors,
                    "version": f"{ssbchar.__version__} (commit {_describe_commit()})",
                    "hasPart": [{"@id": self.name_file(rule)} for rule in rules],
                }
            elif path.suffix == ".smk":
                properties |= code | {"@type": ["File", "SoftwareSourceCode"]}
            self.crate.add_file(dest_path=self.name_file(path), properties=properties)
        return self.name_file(main)

    def _add_library(self, name: str, version: str) -> Reference:
        citation: dict[str, Any] = {}
        if name in CITED:
            _, doi = CITED[name]
            citation["citation"] = {"@id": f"https://doi.org/{doi}"}
        return self.add_entity(
            f"#software-{name}",
            "SoftwareApplication",
            name=name,
            softwareVersion=version,
            version=version,
            **citation,
        )

    def add_raw_files(self, manifest: Path) -> list[Reference]:
        """Add the raw files of one measurement; beyond `LISTED` of them, their manifest."""
        table = raw_files.read_rows(manifest)
        measurement = f"{manifest.parent.parent.name} {manifest.parent.name}"
        # The measurement was excluded: its manifest says why.
        if not all("sha256" in row for row in table):
            return []
        # A crate of a million frames would be slower to read than the data.
        if len(table) > LISTED:
            count = f"{len(table)} raw files of {measurement}"
            collection = self.add_entity(
                name_by_hash(raw_files.hash_file(manifest)),
                "Collection",
                name=f"raw data of {measurement}",
                description=f"{count}, each with its sha256 in the manifest",
                mainEntity={"@id": self.name_file(manifest)},
            )
            return [collection]
        # Files of the same content have the same name in the crate.
        same_content: dict[str, list[dict[str, str]]] = {}
        for row in table:
            same_content.setdefault(row["sha256"], []).append(row)
        return [
            self.add_entity(
                name_by_hash(digest),
                "File",
                name=rows[0]["path"],
                contentSize=rows[0]["bytes"],
                sha256=digest,
                description=f"raw data of {measurement}",
                alternateName=[row["path"] for row in rows[1:]],
            )
            for digest, rows in same_content.items()
        ]

    def add_options(self, departures: Mapping[str, Any], main: str) -> list[Reference]:
        """Add the options that differ from the defaults, as inputs of the workflow."""
        options = []
        for name, value in flatten_options(departures):
            slug = "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
            profile = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
            formal = self.add_entity(
                f"#parameter-{slug}",
                "FormalParameter",
                name=name,
                additionalType="Text",
                conformsTo={"@id": profile},
            )
            self.crate.dereference(main).append_to("input", formal)
            option = self.add_entity(
                f"#option-{slug}", "PropertyValue", name=name, value=value, exampleOfWork=formal
            )
            options.append(option)
        return options

    def add_output(self, path: Path, hashed: Mapping[Path, Mapping[str, str]]) -> Reference:
        """Add a file or folder of the run; `hashed` holds rows of `verify.hash_outputs` by path."""
        name = self.name_file(path)
        if not path.is_dir():
            properties = _describe_file(path, hashed[path]["sha256"])
            return {"@id": str(self.crate.add_file(dest_path=name, properties=properties).id)}
        inside = {p: row["sha256"] for p, row in hashed.items() if p.is_relative_to(path)}
        digest = raw_files.join_hashes(path, inside)
        about = f"{len(inside)} files; sha256 over their names and contents: {digest}"
        properties = {"name": name, "description": about}
        self.crate.add_dataset(dest_path=f"{name}/", properties=properties)
        return {"@id": f"{name}/"}

    def add_record(self) -> Reference:
        """Add the table of checksums, which is not yet written (`verify.seal_records`)."""
        properties = {
            "encodingFormat": FILE_TYPES[".csv"],
            "contentSize": verify.NO_SIZE,
            "sha256": verify.NO_DIGEST,
        }
        return {"@id": self.crate.add_file(dest_path=verify.RECORD, properties=properties).id}


def _describe_file(path: Path, digest: str = "") -> dict[str, Any]:
    return {
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": FILE_TYPES.get(path.suffix, "text/plain"),
        "sha256": digest or raw_files.hash_file(path),
    }


def name_by_hash(digest: str) -> str:
    """Return the name of a file by its sha256 (RFC 6920).

    Parameters
    ----------
    digest : str
        Hexadecimal.
    """
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")


def _describe_commit() -> str:
    found = store.find_commit()
    return (found["commit"] or "unknown") + (", with uncommitted changes" if found["dirty"] else "")
