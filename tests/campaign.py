"""A campaign in a folder of its own: synthetic raw data, the minimal config, and Snakemake run on
it."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ssbchar.pipeline import preload_server
from ssbchar.simulate import demo

ROOT = Path(__file__).parent.parent
SURROUNDINGS = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""The environment of a run. Without buffers Snakemake's own log writes a text and the end of its
line apart, and a step's line falls between the two: what begins a line then ends another."""
TINY = (
    "heating_LAGP_LFP",
    "Fe_pristine",
    "Fe_cycled",
    "Fe_reference",
    "Li_reference",
    "Li_reference_decay",
    "Li1Si_100MPa_30s",
    "Li1Si_100MPa_30s_decay",
)
"""Measurements that use each technique once."""


@dataclass
class Campaign:
    """Raw data in ``data_raw/minimal``, config in ``config/``; Snakemake runs there with the
    checkout's workflow."""

    folder: Path
    only: Collection[str] = ()
    home: Path = ROOT
    """Where the workflow and the package are taken from."""

    def __post_init__(self) -> None:
        demo.write_demo(self.folder / "data_raw/minimal", small=True)
        shutil.copytree(ROOT / "config/phases", self.folder / "config/phases")
        self.configure()

    @property
    def raw(self) -> Path:
        return self.folder / "data_raw/minimal"

    @property
    def out(self) -> Path:
        return self.folder / "results/minimal"

    def sheet(self) -> tuple[list[str], list[dict[str, str]]]:
        """Return header and rows of the minimal sample sheet, of the wanted measurements."""
        text = (ROOT / "config/minimal/samples.tsv").read_text(encoding="utf-8").splitlines()
        table = csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t")
        rows = [r for r in table if not self.only or r["measurement"] in self.only]
        return list(table.fieldnames or ()), rows

    def configure(self, more: Iterable[Mapping[str, str]] = (), **options: object) -> None:
        """Write config and sheet, with further rows and departures."""
        header, rows = self.sheet()
        rows += [{**dict.fromkeys(header, ""), **row} for row in more]
        header = list(dict.fromkeys([*header, *(k for row in rows for k in row)]))
        lines = ["\t".join(header), *("\t".join(row.get(h) or "" for h in header) for row in rows)]
        (self.folder / "config/samples.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        config = yaml.safe_load((ROOT / "config/minimal/config.yaml").read_text(encoding="utf-8"))
        config |= {"samples": "config/samples.tsv", **options}
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def snakemake(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        profile: str = "none",
        preloaded: bool = False,
    ) -> str:
        """Run Snakemake in the folder; return all it printed. Steps of a preloaded run are forks of
        one process, as in `ssbchar run`: for tests that ask nothing of how they start."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(self.home / "Snakefile")]
        command += ["--workflow-profile", profile, "--scheduler", "greedy", *words]
        command += ["--configfile", "config/config.yaml"]
        surroundings = {**SURROUNDINGS, **(env or {})}
        # The package is the one beside the workflow, a copy of the checkout's in some tests.
        with contextlib.chdir(self.home), preload_server.running(preloaded) as found:
            socket = preload_server.SOCKET_VARIABLE
            if socket in found:
                surroundings[socket] = found[socket]
            run = subprocess.run(
                command,
                cwd=self.folder,
                env=surroundings,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        if check and run.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{run.stdout[-6000:]}")
        return run.stdout

    def would_run(self, **how: Mapping[str, str]) -> set[str]:
        """Return the outputs a dry run would make, as ``rule measurement``."""
        said = self.snakemake("-n", "--cores", "1", **how)  # type: ignore[arg-type]
        return set(re.findall(r"^ *(?:local)?rule (\w+):", said, flags=re.M)) - {
            "everything",
            "all",
        }

    def results(self) -> dict[str, bytes]:
        """Return every result but logs and what names this folder's own paths."""
        return {
            p.relative_to(self.out).as_posix(): p.read_bytes()
            for p in sorted(self.out.rglob("*"))
            if p.is_file() and "logs" not in p.parts
        }
