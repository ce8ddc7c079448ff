"""A run's conclusions, figures and manifests, written as the steps write them, for tests of the
report."""

import json
import shutil
from pathlib import Path

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.pipeline import step
from ssbchar.results.figures import style
from ssbchar.storage import raw_files, store

FAULT = json.dumps(
    {
        "where": "data_raw/<b>bad</b>.xye",
        "problem": "the file is empty",
        "remedy": "measure it again",
    }
)


def drawing(seed: int, points: int = 200) -> store.Drawing:
    rng = np.random.default_rng(seed)
    figure = style.make_figure()
    axes = figure.subplots()
    x = np.linspace(0, 10, points)
    axes.plot(x, np.sin(x + seed) + rng.normal(0, 0.05, points))
    axes.set_xlabel("temperature (°C)")
    axes.set_ylabel("a (Å)")
    return store.Drawing(
        figure=figure,
        title=f"Lattice parameter {seed}",
        caption="Points: one frame each; bars: one standard error.",
    )


def hexrd(verdict: str = "reversible") -> list[Conclusion]:
    return [
        Conclusion(
            "a",
            value=8.2565812345,
            stderr=0.00012345,
            systematic=0.0004,
            unit="angstrom",
            subject="LAGP",
            condition="before heating",
            method="Pawley refinement, mean over frames at rest",
        ),
        Conclusion(
            "mean_linear_expansion",
            value=8.123456e-6,
            stderr=1.2e-7,
            unit="1/K",
            subject="LAGP",
            condition="heating a",
        ),
        Conclusion(
            "detection_limit", value=None, upper95=1.234567, unit="percent", subject="LAGP+LFP"
        ),
        Conclusion(
            "phase_stability",
            verdict=verdict,
            reason="cells return within 0.2 %",
            subject="LAGP+LFP",
        ),
    ]


def xas(verdict: str = "retained") -> list[Conclusion]:
    return [
        Conclusion("edge_shift", value=-0.0123456, stderr=0.0234567, unit="eV", subject="Ge K"),
        Conclusion(
            "structure", verdict=verdict, reason="no shell loses more than 3 %", subject="Ge K"
        ),
    ]


def nmr(share: float | None = 93.1) -> list[Conclusion]:
    if share is None:
        bound = Conclusion(
            "alloyed_share", lower95=25.5, upper95=27.0, unit="percent", verdict="not_decaying"
        )
        return [bound]
    return [
        Conclusion(
            "alloyed_share",
            value=share,
            stderr=0.31,
            systematic=0.8,
            unit="percent",
            condition="corrected",
            verdict="ok",
        ),
        Conclusion(
            "x_alloyed", value=share / 100, stderr=0.0031, systematic=0.008, unit="1", verdict="ok"
        ),
    ]


class Run:
    """A folder like ``results/<run>`` with what the page needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.conclusions: list[Path] = []
        self.figures: list[Path] = []
        self.manifests: list[Path] = []
        self.exports: list[Path] = []

    def add(
        self,
        measurement: str,
        sample: str,
        technique: str,
        found: list[Conclusion],
        synthetic: bool = True,
        drawings: dict[str, store.Drawing] | None = None,
        **marks: str,
    ) -> None:
        folder = self.root / technique / measurement
        about = {
            "measurement": measurement,
            "sample": sample,
            "technique": technique,
            "role": "series",
        }
        about["source"] = f"results/{self.root.name}/{technique}/{measurement}/manifest.csv"
        labels = {**about, **({"synthetic": 1} if synthetic else {}), **marks}
        made_by = store.describe_provenance("test", {}, {})
        store.save(found, folder / "conclusions.json", made_by, labels)
        self.conclusions.append(folder / "conclusions.json")
        raw = self.root / "raw" / f"{measurement}.dat"
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.write_text(measurement)
        store.save(raw_files.list_raw_files([raw], []), folder / "manifest.csv", made_by, {})
        self.manifests.append(folder / "manifest.csv")
        if drawings:
            store.save(drawings, folder / "figures", made_by, labels)
            self.figures.append(folder / "figures")

    def write(self, options: dict[str, object] | None = None, **labels: object) -> Path:
        summary, report = self.root / "summary.csv", self.root / "report.html"
        step.run_step("results.joint.summarise", {"conclusions": self.conclusions}, summary)
        inputs = {
            "summary": [summary],
            "conclusions": self.conclusions,
            "figures": self.figures,
            "manifests": self.manifests,
            "exports": self.exports,
        }
        step.run_step(
            "results.report.render_report",
            inputs,
            [report, self.root / "samples"],
            options,
            {"run": self.root.name, **labels},
        )
        return report


def small(root: Path, synthetic: bool = True) -> Run:
    """Three techniques, two samples, one measurement lost, one frame set aside."""
    run = Run(root)
    run.add(
        "heat", "LAGP+LFP", "hexrd", hexrd(), synthetic, {"cells": drawing(1), "map": drawing(2)}
    )
    run.add("ge", "LAGP+LFP", "xas", xas(), synthetic, {"mu": drawing(3)}, set_aside=f"[{FAULT}]")
    run.add("press", "Li1Si 100 MPa", "nmr", nmr(), synthetic, {"fid": drawing(4)})
    lost = [
        Conclusion("measurement", verdict="set aside", reason="the file is empty", subject="bad")
    ]
    run.add("bad", "LAGP+NCM", "hexrd", lost, synthetic, set_aside=f"[{FAULT}]", lost=FAULT)
    return run


def large(root: Path, samples: int = 100, drawings: int = 6) -> Run:
    """Many samples, each measured three times, with heavy figures (drawn once, then copied)."""
    run = Run(root)
    pattern = Run(root / "drawn")
    pattern.add(
        "m", "S", "hexrd", [], drawings={f"f{i}": drawing(i, 4000) for i in range(drawings)}
    )
    for i in range(samples):
        sample = f"Sample {i:03d}"
        run.add(f"heat{i}", sample, "hexrd", hexrd())
        run.add(f"ge{i}", sample, "xas", xas("changed" if i % 7 == 0 else "retained"))
        run.add(f"press{i}", sample, "nmr", nmr())
        folder = root / "hexrd" / f"heat{i}" / "figures"
        shutil.copytree(pattern.figures[0], folder)
        for note in folder.glob("*.json"):
            note.write_text(note.read_text().replace('"sample": "S"', f'"sample": "{sample}"'))
        run.figures.append(folder)
    return run
