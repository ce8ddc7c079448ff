"""Raw absorption scans: three counted channels, a miscalibrated monochromator, glitches; written
as XDI and as column text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
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
STEP = 1.0
"""Edge step of the sample as mu t."""
PRE = 0.45
"""Absorption of the sample before its edge as mu t."""
FOIL_STEP = 0.6
"""Edge step of the foil as mu t."""
MISCALIBRATION = 0.8
"""Offset of the monochromator [eV]."""
MISCALIBRATION_SCATTER = 0.12
"""Scatter of that offset from scan to scan [eV]."""
START = 1_570_000_000.0
"""Begin of the first scan, less `SCAN_TIME` [s since 1970-01-01 UTC]."""
SCAN_TIME = 1500.0
"""Time from scan to scan [s]."""


@dataclass(frozen=True, kw_only=True)
class Element:
    """What the specimens of one absorber have in common."""

    symbol: str
    intact: Edge
    reduced: Edge
    foil: Edge
    k_max: float
    """End of the scans [1/angstrom]."""
    glitch: float
    """Place of the glitch above the edge of the intact compound [eV]."""


GE = Element(
    symbol="Ge",
    intact=absorption.LAGP_GE,
    reduced=absorption.REDUCED_GE,
    foil=absorption.GE_FOIL,
    k_max=13.6,
    glitch=412.0,
)
FE = Element(
    symbol="Fe",
    intact=absorption.LFP_FE,
    reduced=absorption.REDUCED_FE,
    foil=absorption.FE_FOIL,
    k_max=12.6,
    glitch=305.0,
)


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """What is scanned: a mixture of an intact and a reduced edge."""

    measurement: str
    sample: str
    absorber: Element
    fraction: float = 0.0
    """Share of the absorber that is reduced (dimensionless)."""
    amplitude: float = 1.0
    """Factor on the EXAFS of the intact part (dimensionless)."""
    verdict: str = ""

    @property
    def element(self) -> str:
        """Symbol of the absorber."""
        return self.absorber.symbol

    @property
    def intact(self) -> Edge:
        """The edge of the intact compound."""
        return self.absorber.intact

    @property
    def reduced(self) -> Edge:
        """The edge of the reduced absorber."""
        return self.absorber.reduced

    @property
    def foil(self) -> Edge:
        """The edge of the reference foil."""
        return self.absorber.foil

    def calculate_norm(self, energy: Array, hump: float = 0.0) -> Array:
        """Return the true normalised absorption.

        Parameters
        ----------
        energy : ndarray, shape (point,)
            True energies [eV].
        hump : float
            Height of a bump of the atomic background [edge steps].

        Returns
        -------
        ndarray, shape (point,)
            [edge steps]
        """
        intact = absorption.calculate_normalised(energy, self.intact, self.amplitude, hump)
        reduced = absorption.calculate_normalised(energy, self.reduced, 1.0, hump)
        return np.asarray((1 - self.fraction) * intact + self.fraction * reduced)


SPECIMENS = (
    Specimen(measurement="Ge_pristine", sample="LAGP", absorber=GE),
    Specimen(
        measurement="Ge_cycled",
        sample="LAGP cycled",
        absorber=GE,
        amplitude=0.99,
        verdict="retained",
    ),
    Specimen(
        measurement="Ge_reduced",
        sample="LAGP reduced",
        absorber=GE,
        fraction=0.15,
        verdict="changed",
    ),
    Specimen(measurement="Ge_reference", sample="reduced Ge", absorber=GE, fraction=1.0),
    Specimen(measurement="Fe_pristine", sample="LFP", absorber=FE),
    Specimen(
        measurement="Fe_cycled",
        sample="LFP cycled",
        absorber=FE,
        amplitude=0.98,
        verdict="retained",
    ),
    Specimen(measurement="Fe_reference", sample="Fe metal", absorber=FE, fraction=1.0),
)
"""All that is scanned; cycled and reduced are compared with the pristine of their element."""


def build_energies(edge: float, k_max: float) -> Array:
    """Return the energies of a scan: steps of 8 eV, then of 0.3 eV over the edge, then of 0.05
    1/angstrom in k.

    Parameters
    ----------
    edge : float
        [eV]
    k_max : float
        End of the scan [1/angstrom].

    Returns
    -------
    ndarray, shape (point,)
        [eV]
    """
    before = np.arange(edge - 200.0, edge - 24.0, 8.0)
    over = np.arange(edge - 24.0, edge + 24.0, 0.3)
    k = np.arange(np.sqrt(ETOK * 24.0), k_max, 0.05)
    return np.round(np.concatenate([before, over, edge + k**2 / ETOK]), 3)


def photons_from_noise(chi_noise: float, repeats: int, edge: float) -> float:
    """Return the photons per point on I0 that give a noise of chi at k = 10 in the merged scans.

    var(mu t) = 1/N0 + 1/N1, N1 = N0 exp(-mu t); chi noise = sqrt(var / repeats) / edge step.

    Parameters
    ----------
    chi_noise : float
        Standard deviation of chi per point (dimensionless).
    repeats : int
        Scans that are merged.
    edge : float
        [eV]

    Returns
    -------
    float
        Counts.
    """
    energy = np.array([edge + 100.0 / ETOK])
    norm = np.array([1.0])
    mu = float(absorption.calculate_absorbance(energy, edge, norm, step=STEP, pre=PRE)[0])
    return float((1 + np.exp(mu)) / (repeats * (chi_noise * STEP) ** 2))


def simulate_counts(
    energy: Array,
    specimen: Specimen,
    effects: Effects,
    rng: np.random.Generator,
    *,
    shift: float,
    scan: int,
) -> tuple[Array, Array, Array]:
    """Return the counts of one scan.

    Parameters
    ----------
    energy : ndarray, shape (point,)
        As recorded [eV].
    specimen : Specimen
        What is scanned.
    effects : Effects
        Drift, glitch, dark counts and atomic background.
    rng : Generator
        Of the counting noise.
    shift : float
        True energies are lower by this [eV].
    scan : int
        Number of the scan; the drift of the beam depends on it.

    Returns
    -------
    i0, i1, iref : ndarray, shape (point,)
        [counts]
    """
    true = energy - shift
    edge = specimen.intact.energy
    norm = specimen.calculate_norm(true, effects.atomic_hump)
    sample = absorption.calculate_absorbance(true, edge, norm, step=STEP, pre=PRE)
    foil = absorption.calculate_absorbance(
        true,
        specimen.foil.energy,
        absorption.calculate_normalised(true, specimen.foil),
        step=FOIL_STEP,
        pre=0.5 * FOIL_STEP,
    )
    progress = np.linspace(0, 1, energy.size)
    drift = 1 - effects.drift * (progress + 0.3 * np.sin(7 * progress + scan))
    beam = photons_from_noise(CHI_NOISE, REPEATS, edge) * drift
    dip = np.exp(-0.5 * ((true - (edge + specimen.absorber.glitch)) / 1.6) ** 2)
    beam *= 1 - effects.glitch * dip
    # a fiftieth of the glitch does not cancel in the ratio
    passed = beam * np.exp(-sample) * (1 - effects.glitch / 50 * dip)
    # the foil lies behind the sample and sees what is left
    channels = (beam, passed, passed * np.exp(-foil))
    dark = [effects.dark * channel.mean() for channel in channels]
    i0, i1, iref = (
        rng.poisson(channel).astype(float) + level
        for channel, level in zip(channels, dark, strict=True)
    )
    return np.asarray(i0), np.asarray(i1), np.asarray(iref)


def write_scans(
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    repeats: int = REPEATS,
    specimens: Sequence[Specimen] = SPECIMENS,
) -> list[Truth]:
    """Write every specimen's scans, Ge as XDI and Fe as column text; return the truth.

    Parameters
    ----------
    folder : Path
        Gets one folder per specimen.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of all noise.
    repeats : int
        Scans per specimen.
    specimens : sequence of Specimen
        What is scanned.

    Returns
    -------
    list of Truth
        Known answers of all comparisons, each with its unit.
    """
    start = START
    for specimen in specimens:
        where = folder / specimen.measurement
        where.mkdir(parents=True, exist_ok=True)
        energy = build_energies(specimen.intact.energy, specimen.absorber.k_max)
        for scan in range(1, repeats + 1):
            shift = MISCALIBRATION + MISCALIBRATION_SCATTER * rng.standard_normal()
            channels = simulate_counts(energy, specimen, effects, rng, shift=shift, scan=scan)
            table = np.column_stack([energy, *channels])
            start += SCAN_TIME
            if specimen.absorber is GE:
                write_xdi(where / f"{specimen.measurement}.{scan:03d}.xdi", specimen, table, start)
            else:
                write_columns(where / f"{specimen.measurement}.{scan:04d}", specimen, table, start)
    return list_truths()


def write_xdi(path: Path, specimen: Specimen, table: Array, start: float) -> None:
    """Write a scan as XDI/1.0 (B. Ravel & M. Newville, J. Phys. Conf. Ser. 712 (2016) 012148).

    Parameters
    ----------
    path : Path
        The file.
    specimen : Specimen
        What is scanned.
    table : ndarray, shape (point, 4)
        Energy [eV], i0, i1 and iref [counts].
    start : float
        [s since 1970-01-01 UTC]
    """
    header = [
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
    text = "".join(f"# {line}\n" for line in header) + "\n".join(rows) + "\n"
    path.write_text(text, encoding="utf-8")


def write_columns(path: Path, specimen: Specimen, table: Array, start: float) -> None:
    """Write a scan as the column text of APS 20-BM's LabVIEW program.

    Parameters
    ----------
    path : Path
        The file.
    specimen : Specimen
        What is scanned.
    table : ndarray, shape (point, 4)
        Energy [eV], i0, i1 and iref [counts].
    start : float
        [s since 1970-01-01 UTC]
    """
    when = datetime.fromtimestamp(start, UTC).strftime("%m/%d/%y  %H:%M")
    header = [
        f"#1-D Scan File created  {when} by LabVIEW Control Panel ",
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
        "#Mono Energy *        Scaler preset time * I0                   I1                   "
        "Iref                 ",
    ]
    rows = [
        f"{e:20.8f} {1.0:20.8f} {a:20.1f} {b:20.1f} {c:20.1f} " for e, a, b, c in table.tolist()
    ]
    path.write_text("\n".join(header + rows) + "\n", encoding="utf-8")


def list_truths() -> list[Truth]:
    """Return the known answers of every comparison, from the noise-free normalised absorption.

    Edge shift [eV]: difference of the half steps. White line [edge steps]: difference of the maxima
    within 20 eV of the edge. Shells (dimensionless): the EXAFS of the intact part, (1 - fraction)
    amplitude, in every shell alike.
    """
    pristine = {s.element: s for s in SPECIMENS if s.measurement.endswith("pristine")}
    rows = []
    for specimen in SPECIMENS:
        if specimen.verdict:
            rows += _list_comparison_truths(specimen, pristine[specimen.element])
    return rows


def _list_comparison_truths(specimen: Specimen, pristine: Specimen) -> list[Truth]:
    """Return the known answers of one comparison."""
    about = partial(Truth, sample=specimen.sample, technique="xas", subject=f"{specimen.element} K")
    ratio_of = partial(about, condition="", unit="1")
    energy = np.arange(specimen.intact.energy - 20, specimen.intact.energy + 20, 0.001)
    before, after = pristine.calculate_norm(energy), specimen.calculate_norm(energy)
    shift = absorption.find_half_step(after, energy) - absorption.find_half_step(before, energy)
    ratio = (1 - specimen.fraction) * specimen.amplitude / pristine.amplitude
    return [
        about(condition="half step", quantity="edge_shift", value=shift, unit="eV"),
        ratio_of(quantity="white_line_change", value=float(after.max() - before.max())),
        *(ratio_of(quantity=f"shell_{n}_ratio", value=ratio) for n in (1, 2, 3)),
        about(
            condition="linear combination",
            quantity="reduced_fraction",
            value=specimen.fraction,
            unit="1",
        ),
        about(condition="", quantity="structure", value=None, verdict=specimen.verdict),
    ]
