"""Raw absorption scans: three counted channels, a monochromator that is off, glitches; XDI and
column text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.truth import Truth
from ssbchar.simulate.xas import absorption
from ssbchar.simulate.xas.absorption import Edge
from ssbchar.typing import Array

REPEATS = 4
"""Scans per measurement."""
CHI_NOISE = 1e-3
"""Noise of chi per point at k = 10 in the merge of all repeats (sets the photons counted)."""
STEP, PRE, FOIL_STEP = 1.0, 0.45, 0.6
"""Edge step and pre-edge absorption of the sample, edge step of the foil, as mu t."""
MISCALIBRATION = (0.8, 0.12)
"""Offset of the monochromator, and its scatter from scan to scan [eV]."""


@dataclass(frozen=True)
class Specimen:
    """What is scanned: a mixture of an intact and a reduced edge."""

    measurement: str
    sample: str
    element: str
    intact: Edge
    reduced: Edge
    foil: Edge
    fraction: float = 0.0
    """Share of the absorber that is reduced."""
    amplitude: float = 1.0
    """Factor on the EXAFS of the intact part."""
    verdict: str = ""

    def norm(self, energy: Array, hump: float = 0.0) -> Array:
        """Return the true normalised absorption at true energies [eV]."""
        intact = absorption.calculate_normalised(energy, self.intact, self.amplitude, hump)
        reduced = absorption.calculate_normalised(energy, self.reduced, 1.0, hump)
        return np.asarray((1 - self.fraction) * intact + self.fraction * reduced)


GE = (absorption.LAGP_GE, absorption.REDUCED_GE, absorption.GE_FOIL)
FE = (absorption.LFP_FE, absorption.REDUCED_FE, absorption.FE_FOIL)
SPECIMENS = (
    Specimen("Ge_pristine", "LAGP", "Ge", *GE),
    Specimen("Ge_cycled", "LAGP cycled", "Ge", *GE, amplitude=0.99, verdict="retained"),
    Specimen("Ge_reduced", "LAGP reduced", "Ge", *GE, fraction=0.15, verdict="changed"),
    Specimen("Ge_reference", "reduced Ge", "Ge", *GE, fraction=1.0),
    Specimen("Fe_pristine", "LFP", "Fe", *FE),
    Specimen("Fe_cycled", "LFP cycled", "Fe", *FE, amplitude=0.98, verdict="retained"),
    Specimen("Fe_reference", "Fe metal", "Fe", *FE, fraction=1.0),
)
"""All that is scanned; cycled and reduced are compared with the pristine of their element."""


def build_energies(edge: float, k_max: float) -> Array:
    """Return the energies of a scan [eV]: 8 eV, then 0.3 eV over the edge, then 0.05 1/angstrom in
    k."""
    low = np.arange(edge - 200.0, edge - 24.0, 8.0)
    near = np.arange(edge - 24.0, edge + 24.0, 0.3)
    k = np.arange(np.sqrt(ETOK * 24.0), k_max, 0.05)
    return np.round(np.concatenate([low, near, edge + k**2 / ETOK]), 3)


def photons_from_noise(chi_noise: float, repeats: int, edge: float) -> float:
    """Return the photons per point on I0 that give `chi_noise` at k = 10 in the merge of `repeats`
    scans.

    var(mu t) = 1/N0 + 1/N1, N1 = N0 exp(-mu t); chi noise = sqrt(var / repeats) / edge step.
    """
    at = np.array([edge + 100.0 / ETOK])
    mu = float(absorption.calculate_absorbance(at, edge, np.array([1.0]), STEP, PRE)[0])
    return float((1 + np.exp(mu)) / (repeats * (chi_noise * STEP) ** 2))


def simulate_counts(
    energy: Array,
    specimen: Specimen,
    shift: float,
    scan: int,
    effects: Effects,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Return counted I0, I1 and Iref of one scan at recorded energies [eV]; the true ones are
    `shift` lower."""
    true = energy - shift
    sample = absorption.calculate_absorbance(
        true, specimen.intact.energy, specimen.norm(true, effects.atomic_hump), STEP, PRE
    )
    foil = absorption.calculate_absorbance(
        true,
        specimen.foil.energy,
        absorption.calculate_normalised(true, specimen.foil),
        FOIL_STEP,
        0.5 * FOIL_STEP,
    )
    along = np.linspace(0, 1, energy.size)
    beam = photons_from_noise(CHI_NOISE, REPEATS, specimen.intact.energy) * (
        1 - effects.drift * (along + 0.3 * np.sin(7 * along + scan))
    )
    place = specimen.intact.energy + (412.0 if specimen.element == "Ge" else 305.0)
    dip = np.exp(-0.5 * ((true - place) / 1.6) ** 2)
    beam *= 1 - effects.glitch * dip
    passed = beam * np.exp(-sample) * (1 - effects.glitch / 50 * dip)
    channels = (beam, passed, passed * np.exp(-foil))
    dark = [effects.dark * c.mean() for c in channels]
    i0, i1, iref = (rng.poisson(c).astype(float) + d for c, d in zip(channels, dark, strict=True))
    return np.asarray(i0), np.asarray(i1), np.asarray(iref)


def write_scans(
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    repeats: int = REPEATS,
    specimens: Sequence[Specimen] = SPECIMENS,
) -> list[Truth]:
    """Write every specimen's scans, Ge as XDI and Fe as column text; return the truth."""
    start = 1_570_000_000.0
    for specimen in specimens:
        where = folder / specimen.measurement
        where.mkdir(parents=True, exist_ok=True)
        energy = build_energies(specimen.intact.energy, 13.6 if specimen.element == "Ge" else 12.6)
        for scan in range(1, repeats + 1):
            shift = MISCALIBRATION[0] + MISCALIBRATION[1] * rng.standard_normal()
            table = np.column_stack(
                [energy, *simulate_counts(energy, specimen, shift, scan, effects, rng)]
            )
            start += 1500.0
            if specimen.element == "Ge":
                write_xdi(where / f"{specimen.measurement}.{scan:03d}.xdi", specimen, table, start)
            else:
                write_columns(where / f"{specimen.measurement}.{scan:04d}", specimen, table, start)
    return list_truths()


def write_xdi(path: Path, specimen: Specimen, table: Array, start: float) -> None:
    """Write a scan as XDI/1.0 (B. Ravel & M. Newville, J. Phys. Conf. Ser. 712 (2016) 012148)."""
    head = [
        "XDI/1.0 ssbchar",
        "Column.1: energy eV",
        "Column.2: i0",
        "Column.3: itrans",
        "Column.4: irefer",
        f"Element.symbol: {specimen.element}",
        "Element.edge: K",
        "Mono.name: Si(111)",
        "Mono.d_spacing: 3.13550",
        "Beamline.name: synthetic",
        f"Sample.name: {specimen.sample} (synthetic)",
        f"Scan.start_time: {format_time(start)[:19]}",
        "///",
        "synthetic demonstration data (ssbchar simulate)",
        "-------------",
        "energy  i0  itrans  irefer",
    ]
    rows = [f"  {e:.3f}  {a:.1f}  {b:.1f}  {c:.1f}" for e, a, b, c in table.tolist()]
    path.write_text(
        "".join(f"# {line}\n" for line in head) + "\n".join(rows) + "\n", encoding="utf-8"
    )


def write_columns(path: Path, specimen: Specimen, table: Array, start: float) -> None:
    """Write a scan as the column text of APS 20-BM's LabVIEW program."""
    when = format_time(start)
    head = [
        f"#1-D Scan File created  {when[5:7]}/{when[8:10]}/{when[2:4]}  {when[11:16]} by LabVIEW Control Panel ",
        "#",
        "# User Comment:",
        f"# {specimen.sample}, {specimen.element} K edge",
        "# synthetic demonstration data (ssbchar simulate)",
        "#",
        "# Detector Names / PVs:",
        "# I0/sim:scaler1_netA.B  I1/sim:scaler1_netA.C  Iref/sim:scaler1_netA.D  ",
        "#",
        "# Positioner names/Drive PVs/Readback PVs:",
        "# Mono Energy */sim:monoE.VAL/sim:EnctoE.VAL  Scaler preset time */sim:scaler1.TP/  ",
        "#",
        "# Column Headings:",
        "#Mono Energy *        Scaler preset time * I0                   I1                   Iref                 ",
    ]
    rows = [
        f"{e:20.8f} {1.0:20.8f} {a:20.1f} {b:20.1f} {c:20.1f} " for e, a, b, c in table.tolist()
    ]
    path.write_text("\n".join(head + rows) + "\n", encoding="utf-8")


def list_truths() -> list[Truth]:
    """Return the known answers of every comparison, from the noise-free normalised absorption.

    Edge shift: difference of the half steps. White line: difference of the maxima within 20 eV of
    the edge. Shells: the EXAFS of the intact part, (1 - fraction) amplitude, in every shell
    alike.
    """
    rows = []
    before = {s.element: s for s in SPECIMENS if s.measurement.endswith("pristine")}
    for specimen in SPECIMENS:
        if not specimen.verdict:
            continue
        first = before[specimen.element]
        energy = np.arange(specimen.intact.energy - 20, specimen.intact.energy + 20, 0.001)
        old, new = first.norm(energy), specimen.norm(energy)
        about = (specimen.sample, "xas", f"{specimen.element} K")
        shift = absorption.find_half_step(new, energy) - absorption.find_half_step(old, energy)
        ratio = (1 - specimen.fraction) * specimen.amplitude / first.amplitude
        rows += [
            Truth(*about, "half step", "edge_shift", shift, "eV"),
            Truth(*about, "", "white_line_change", float(new.max() - old.max()), "1"),
            *(Truth(*about, "", f"shell_{n}_ratio", ratio, "1") for n in (1, 2, 3)),
            Truth(*about, "linear combination", "reduced_fraction", specimen.fraction, "1"),
            Truth(*about, "", "structure", None, "", specimen.verdict),
        ]
    return rows
