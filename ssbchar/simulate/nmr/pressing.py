"""The pressed Li-Si powders: five pressings of Li1Si, two other compositions, and pure Li; their
echoes and their decay series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ssbchar.simulate.effects import Effects
from ssbchar.simulate.nmr import bruker, echo
from ssbchar.simulate.nmr.echo import Line, Receiver
from ssbchar.simulate.truth import Truth
from ssbchar.typing import Complex

BF1 = 311.1
"""Basic frequency of 7Li at 18.8 T [MHz]."""
SF = 311.0998
"""Frequency of 0 ppm [MHz]: SR = -200 Hz."""
O1 = 31110.0
"""Offset of the carrier [Hz]."""
SW_H = 500_000.0
"""Spectral width [Hz]."""
POINTS = 2048
"""Complex points of a decay."""
PULSE = 1.617
"""30 degree pulse [us]."""
TR = 10e-6
"""Echo delay of the quantified spectrum [s]; time between the pulses, and from the second to the
acquisition."""
DELAYS = tuple(round(x * 1e-6, 9) for x in (10, 20, 30, 40, 55, 70, 90, 115, 150, 200, 300, 450))
"""Echo delays of the decay series [s]."""
LI_DELAYS = tuple(
    round(x * 1e-6, 9) for x in (10, 50, 100, 150, 200, 300, 400, 550, 700, 900, 1200, 1600)
)
"""Echo delays of the decay series of pure Li [s]."""
T2_LI = 467e-6
"""Decay time of Li metal [s] (S.-Y. Ham et al., Nature Communications 15 (2024) 2991)."""
FULL_SCALE = 2.0e7
"""Receiver units of the whole signal at the first echo."""
NOISE = 3.0e-3
"""Noise per point and channel, as a share of the whole signal at the first echo: about 0.1 % of the
share of Li metal, the last digit of the published table."""
T2_EVOLVING = 70e-6
"""Decay time of Li-Si in samples that evolve [s]."""
SATELLITE_SHIFTS = (69.4, -67.0)
"""Shifts of the weak lines of an impurity [ppm]."""
SATELLITE_WIDTH = 600.0
"""Their Lorentzian full width [Hz]."""
SCANS = 64
RECYCLE_DELAY = 30.0
"""[s]"""
LI, SI = "li_metal", "li_si"
"""Regions of the spectrum."""
START = 1_670_000_000.0
"""When the first powder is measured [s since 1970-01-01 UTC]."""
HALF_A_DAY = 43200.0
"""Time from powder to powder [s]."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One line of Li-Si."""

    share: float
    """Of the Li-Si signal (dimensionless)."""
    shift: float
    """[ppm]"""
    lorentz: float
    """Lorentzian full width [Hz]."""
    gauss: float = 0.0
    """Gaussian full width [Hz]."""


@dataclass(frozen=True, kw_only=True)
class Powder:
    """A pressed powder: what its first echo holds, and how it decays."""

    name: str
    sample: str
    li: float
    """Share of Li metal in the signal at the first echo [percent]."""
    t2: float | None
    """Decay time of Li-Si [s]; None: the sample evolves."""
    components: tuple[Component, ...]
    """The lines of Li-Si."""
    li_after: float | None = None
    """Share of Li metal at the end, where the sample evolves [percent]."""
    x: float = 1.0
    """Li per Si as weighed."""


PURE_LI = Powder(name="Li_reference", sample="Li metal", li=100.0, t2=T2_EVOLVING, components=())
POWDERS = (
    Powder(
        name="Li1Si_0MPa",
        sample="Li1Si 0 MPa",
        li=75.8,
        t2=None,
        components=(Component(share=1.0, shift=16.5, lorentz=2500),),
        li_after=72.2,
    ),
    Powder(
        name="Li1Si_100MPa_30s",
        sample="Li1Si 100 MPa 30 s",
        li=7.7,
        t2=71.0e-6,
        components=(
            Component(share=0.8, shift=3.0, lorentz=3500),
            Component(share=0.2, shift=30.0, lorentz=6500),
        ),
    ),
    Powder(
        name="Li1Si_200MPa_30s",
        sample="Li1Si 200 MPa 30 s",
        li=7.6,
        t2=108e-6,
        components=(
            Component(share=0.45, shift=10.8, lorentz=1500),
            Component(share=0.55, shift=20.0, lorentz=6000),
        ),
    ),
    Powder(
        name="Li1Si_400MPa_30s",
        sample="Li1Si 400 MPa 30 s",
        li=3.4,
        t2=68.0e-6,
        components=(
            Component(share=0.45, shift=10.2, lorentz=1500),
            Component(share=0.55, shift=18.0, lorentz=6500),
        ),
    ),
    Powder(
        name="Li1Si_200MPa_3min",
        sample="Li1Si 200 MPa 3 min",
        li=2.0,
        t2=69.0e-6,
        components=(
            Component(share=0.45, shift=11.5, lorentz=1500),
            Component(share=0.55, shift=25.0, lorentz=6000),
        ),
    ),
    # Last, so that the random stream of the others stays as it is.
    Powder(
        name="Li0.25Si_200MPa_3min",
        sample="Li0.25Si 200 MPa 3 min",
        li=0.8,
        t2=62.0e-6,
        components=(Component(share=1.0, shift=18.0, lorentz=4000),),
        x=0.25,
    ),
    Powder(
        name="Li2Si_200MPa_3min",
        sample="Li2Si 200 MPa 3 min",
        li=9.5,
        t2=85.0e-6,
        components=(
            Component(share=0.6, shift=8.0, lorentz=1800),
            Component(share=0.4, shift=16.0, lorentz=5500),
        ),
        x=2.0,
    ),
)
"""Li1Si: shares at the first echo and decay times of the published table; lines near its fits. The
other compositions were pressed there as well; their shares, decay times and lines are chosen."""
METAL_SHIFT = 264.5
"""Of Li metal [ppm]."""
METAL_WIDTH = 900.0
"""Lorentzian full width of Li metal [Hz]."""
RECEIVER = Receiver(
    points=POINTS, dwell=1 / SW_H, carrier=(BF1 * 1e6 + O1 - SF * 1e6) / SF, hertz_per_ppm=SF
)

PROGRAM = """; echo30_60 (synthetic demonstration data, ssbchar simulate)
; 30 degree - TR - 60 degree - TR - acquire; TR = {delay}
;p1 : 30 degree pulse
;p2 : 60 degree pulse
;d6 : TR
"p2=2*p1"
1 ze
2 d1
  (p1 ph1):f1
  {delay}
  (p2 ph2):f1
  {delay}
  go=2 ph31
{write}
exit

ph1=0 1 2 3
ph2=1 2 3 0
ph31=0 1 2 3
"""


def list_lines(powder: Powder, li: float, delay: float, effects: Effects) -> tuple[Line, ...]:
    """Return the lines after an echo.

    Parameters
    ----------
    powder : Powder
        Its lines and decay time.
    li : float
        Share of Li metal at the first echo [percent].
    delay : float
        Of the echo [s].
    effects : Effects
        Weak lines of an impurity.

    Returns
    -------
    tuple of Line
        Shifts [ppm], widths [Hz], areas relative to the whole signal at the first echo.
    """
    # shares are stated at the first echo, whose delay is TR
    later = delay - TR
    metal = li / 100 * np.exp(-later / T2_LI)
    rest = (1 - li / 100) * np.exp(-later / (powder.t2 or T2_EVOLVING))
    found = [Line(region=LI, area=metal, shift=METAL_SHIFT, lorentz=METAL_WIDTH)]
    found += [
        Line(
            region=SI,
            area=rest * component.share,
            shift=component.shift,
            lorentz=component.lorentz,
            gauss=component.gauss,
        )
        for component in powder.components
    ]
    if effects.satellites and powder.t2:
        found = [_weaken(line, effects.satellites) if line.region == SI else line for line in found]
        area = rest * effects.satellites / 2
        found += [
            Line(region=SI, area=area, shift=shift, lorentz=SATELLITE_WIDTH)
            for shift in SATELLITE_SHIFTS
        ]
    return tuple(found)


def _weaken(line: Line, share: float) -> Line:
    """Return a line without the share of its area that is elsewhere."""
    return replace(line, area=line.area * (1 - share))


def simulate_echoes(
    lines_of_echoes: Sequence[tuple[Line, ...]], effects: Effects, rng: np.random.Generator
) -> Complex:
    """Return what the receiver stores of each echo, with noise and imperfect pulses.

    Parameters
    ----------
    lines_of_echoes : sequence of tuple of Line
        The lines of each echo.
    effects : Effects
        Scatter of amplitude and phase [degree].
    rng : Generator
        Of noise and pulses.

    Returns
    -------
    ndarray of complex, shape (slice, point)
        In units of the receiver.
    """
    rows = []
    phase = rng.uniform(-180, 180)
    for lines in lines_of_echoes:
        clean = echo.acquire_decay(lines, RECEIVER)
        turned = phase + effects.pulse_phase * rng.standard_normal()
        gain = 1 + effects.pulse_error * rng.standard_normal()
        row = clean * np.exp(1j * np.radians(turned)) * gain
        # unequal channels leave a weak mirror image about the carrier
        row = row + effects.pulse_error / 2 * np.conj(row)
        noise = rng.standard_normal((2, POINTS)).T @ np.array([1, 1j])
        rows.append(row + NOISE * noise)
    return np.asarray(FULL_SCALE * np.array(rows), complex)


def list_acquisition_parameters(date: float, scans: int, *, decay: bool) -> dict[str, object]:
    """Return the parameters of ``acqus``.

    Parameters
    ----------
    date : float
        [s since 1970-01-01 UTC]
    scans : int
        Number of scans.
    decay : bool
        Whether the delay is varied.
    """
    pulses = [0.0] * 64
    pulses[1], pulses[2] = PULSE, 2 * PULSE
    delays = [0.0] * 64
    delays[1], delays[6] = RECYCLE_DELAY, TR
    return {
        "AQSEQ": 0,
        "AQ_mod": 3,
        "BF1": BF1,
        "BYTORDA": 0,
        "D": delays,
        "DATE": int(date),
        "DECIM": 80,
        "DE": 6.5,
        "DIGMOD": 1,
        "DSPFIRM": 0,
        "DSPFVS": 20,
        "DTYPA": 0,
        "GRPDLY": float(echo.GROUP_DELAY),
        "INSTRUM": "synthetic",
        "MASR": 0,
        "NC": 0,
        "NS": scans,
        "NUC1": "7Li",
        "NUC2": "off",
        "O1": O1,
        "P": pulses,
        "PROBHD": "synthetic",
        "PULPROG": "echo30_60_vd" if decay else "echo30_60",
        "PLW": [0.0, 200.0],
        "RG": 64.0,
        "SFO1": BF1 + O1 / 1e6,
        "SW": SW_H / (BF1 + O1 / 1e6),
        "SW_h": SW_H,
        "TE": 298.0,
        "VDLIST": "synthetic" if decay else "",
    }


PROCESSING: dict[str, object] = {
    "AXNUC": "7Li",
    "BYTORDP": 0,
    "LB": 0.0,
    "NC_proc": 0,
    "OFFSET": (BF1 * 1e6 + O1 + SW_H / 2) / SF - 1e6,
    "PHC0": 0.0,
    "PHC1": 0.0,
    "SF": SF,
    "SI": 2 * POINTS,
    "SW_p": SW_H,
    "WDW": 0,
}
"""The parameters of ``procs``."""


def write_spectrum(
    folder: Path,
    powder: Powder,
    effects: Effects,
    rng: np.random.Generator,
    *,
    li: float,
    date: float,
    title: str,
) -> None:
    """Write the quantified echo of a powder.

    Parameters
    ----------
    folder : Path
        The experiment's folder.
    powder : Powder
        What is measured.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of noise and pulses.
    li : float
        Share of Li metal at the first echo [percent].
    date : float
        [s since 1970-01-01 UTC]
    title : str
        Text of the title file.
    """
    data = simulate_echoes([list_lines(powder, li, TR, effects)], effects, rng)
    bruker.write_experiment(
        folder,
        data[0],
        list_acquisition_parameters(date, SCANS, decay=False),
        PROCESSING,
        title=title,
        program=PROGRAM.format(delay="d6", write="  wr #0"),
    )


def write_decay(
    folder: Path,
    powder: Powder,
    effects: Effects,
    rng: np.random.Generator,
    *,
    li: Sequence[float],
    date: float,
    title: str,
) -> None:
    """Write the echoes of a powder at growing delays.

    Parameters
    ----------
    folder : Path
        The experiment's folder.
    powder : Powder
        What is measured.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of noise and pulses.
    li : sequence of float
        Share of Li metal at the first echo, when each delay is measured [percent].
    date : float
        [s since 1970-01-01 UTC]
    title : str
        Text of the title file.
    """
    # pure Li decays six times as slowly
    delays = LI_DELAYS if powder.li == 100 else DELAYS
    lines = [
        list_lines(powder, share, delay, effects) for share, delay in zip(li, delays, strict=True)
    ]
    bruker.write_experiment(
        folder,
        simulate_echoes(lines, effects, rng),
        list_acquisition_parameters(date, SCANS, decay=True),
        PROCESSING,
        title=title,
        program=PROGRAM.format(delay="vd", write="  wr #0 if #0 zd ivd\n  lo to 2 times td1"),
        delays=list(delays),
    )


def write_powders(folder: Path, effects: Effects, rng: np.random.Generator) -> list[Truth]:
    """Write every powder's spectrum and decay series, and pure Li's; return the truth.

    Parameters
    ----------
    folder : Path
        Gets one folder per powder.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of noise and pulses.

    Returns
    -------
    list of Truth
        Shares [percent] and decay times [s].
    """
    date = START
    for powder in (PURE_LI, *POWDERS):
        title = f"{powder.sample}\nsynthetic demonstration data (ssbchar simulate)\n"
        where = folder / powder.name
        last = powder.li if powder.li_after is None else powder.li_after
        write_spectrum(where / "10", powder, effects, rng, li=powder.li, date=date, title=title)
        write_decay(
            where / "20",
            powder,
            effects,
            rng,
            li=np.linspace(powder.li, last, len(DELAYS)).tolist(),
            date=date + 2400,
            title=title,
        )
        if powder.li_after is not None:
            write_spectrum(
                where / "30",
                powder,
                effects,
                rng,
                li=powder.li_after,
                date=date + 28800,
                title=title + "after\n",
            )
        date += HALF_A_DAY
    return [truth for powder in POWDERS for truth in list_truths(powder)]


def correct_fraction(li: float, t2: float) -> float:
    """Return the share of Li metal at zero delay [percent].

    Parameters
    ----------
    li : float
        Share at the delay TR [percent].
    t2 : float
        Decay time of Li-Si [s].
    """
    metal, rest = li * np.exp(TR / T2_LI), (100 - li) * np.exp(TR / t2)
    return float(100 * metal / (metal + rest))


def list_truths(powder: Powder) -> list[Truth]:
    """Return the known answers of a powder: shares [percent] and decay times [s].

    Parameters
    ----------
    powder : Powder
        What is measured.
    """
    about = partial(Truth, sample=powder.sample, technique="nmr")
    metal = partial(about, subject=LI, quantity="li_metal_fraction", unit="percent")
    alloy = partial(about, subject=SI, quantity="li_si_fraction", unit="percent")
    rows = [
        metal(condition="raw", value=powder.li),
        alloy(condition="raw", value=100 - powder.li),
    ]
    if powder.t2 is None:
        return [*rows, metal(condition="corrected", value=None, verdict="N/A")]
    li = correct_fraction(powder.li, powder.t2)
    t2_star = partial(about, condition="", quantity="t2_star", unit="s")
    whole = partial(about, subject="sample", condition="")
    return [
        *rows,
        metal(condition="corrected", value=li),
        alloy(condition="corrected", value=100 - li),
        t2_star(subject=SI, value=powder.t2),
        t2_star(subject=LI, value=T2_LI),
        whole(quantity="alloyed_share", value=100 - li, unit="percent"),
        whole(quantity="x_alloyed", value=powder.x * (100 - li) / 100, unit="1"),
    ]
