"""The pressed Li-Si powders: five pressings and pure Li, their echoes and decay series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ssbchar.simulate.effects import Effects
from ssbchar.simulate.nmr import bruker, echo
from ssbchar.simulate.nmr.echo import Line
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
LI, SI = "li_metal", "li_si"


@dataclass(frozen=True)
class Powder:
    """A pressed powder: what its first echo holds, and how it decays."""

    name: str
    sample: str
    li: float
    """Share of Li metal in the signal at the first echo [percent]."""
    t2: float | None
    """Decay time of Li-Si [s]; None: the sample evolves."""
    lines: tuple[tuple[float, float, float, float], ...]
    """Of Li-Si: share, shift [ppm], Lorentzian and Gaussian full width [Hz]."""
    li_after: float | None = None
    """Share of Li metal at the end, where the sample evolves [percent]."""
    pressure: str = ""


POWDERS = (
    Powder("Li1Si_0MPa", "Li1Si 0 MPa", 75.8, None, ((1.0, 16.5, 2500, 0),), 72.2, "not pressed"),
    Powder(
        "Li1Si_100MPa_30s",
        "Li1Si 100 MPa 30 s",
        7.7,
        71.0e-6,
        ((0.8, 3.0, 3500, 0), (0.2, 30.0, 6500, 0)),
    ),
    Powder(
        "Li1Si_200MPa_30s",
        "Li1Si 200 MPa 30 s",
        7.6,
        108e-6,
        ((0.45, 10.8, 1500, 0), (0.55, 20.0, 6000, 0)),
    ),
    Powder(
        "Li1Si_400MPa_30s",
        "Li1Si 400 MPa 30 s",
        3.4,
        68.0e-6,
        ((0.45, 10.2, 1500, 0), (0.55, 18.0, 6500, 0)),
    ),
    Powder(
        "Li1Si_200MPa_3min",
        "Li1Si 200 MPa 3 min",
        2.0,
        69.0e-6,
        ((0.45, 11.5, 1500, 0), (0.55, 25.0, 6000, 0)),
    ),
)
"""Shares at the first echo and decay times of the published table; lines near its fits."""
METAL = (264.5, 900.0)
"""Shift [ppm] and Lorentzian width [Hz] of Li metal."""

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
    """Return the lines after an echo of a given delay [s]; shares are those at the first echo,
    TR."""
    later = delay - TR
    metal = li / 100 * np.exp(-later / T2_LI)
    rest = (1 - li / 100) * (np.exp(-later / powder.t2) if powder.t2 else np.exp(-later / 70e-6))
    found = [Line(LI, metal, METAL[0], METAL[1])]
    found += [
        Line(SI, rest * share, shift, wide, gauss) for share, shift, wide, gauss in powder.lines
    ]
    if effects.satellites and powder.t2:
        found = [
            replace(x, area=x.area * (1 - effects.satellites)) if x.region == SI else x
            for x in found
        ]
        found += [Line(SI, rest * effects.satellites / 2, x, 600.0) for x in (69.4, -67.0)]
    return tuple(found)


def simulate_echoes(
    each: list[tuple[Line, ...]], effects: Effects, rng: np.random.Generator
) -> Complex:
    """Return what the receiver stores of each echo, (slice, point), with noise and imperfect
    pulses."""
    rows = []
    phase = rng.uniform(-180, 180)
    for found in each:
        clean = echo.acquire_decay(found, POINTS, 1 / SW_H, (BF1 * 1e6 + O1 - SF * 1e6) / SF, SF)
        turn = np.exp(1j * np.radians(phase + effects.pulse_phase * rng.standard_normal()))
        row = clean * turn * (1 + effects.pulse_error * rng.standard_normal())
        row = row + effects.pulse_error / 2 * np.conj(row)
        rows.append(row + NOISE * (rng.standard_normal((2, POINTS)).T @ np.array([1, 1j])))
    return np.asarray(FULL_SCALE * np.array(rows), complex)


def list_acquisition_parameters(date: float, scans: int, decay: bool) -> dict[str, object]:
    """Return the parameters of ``acqus``."""
    pulses, delays = [0.0] * 64, [0.0] * 64
    pulses[1], pulses[2], delays[1], delays[6] = PULSE, 2 * PULSE, 30.0, TR
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
    li: float,
    date: float,
    title: str,
    effects: Effects,
    rng: np.random.Generator,
) -> None:
    """Write the quantified echo of a powder."""
    data = simulate_echoes([list_lines(powder, li, TR, effects)], effects, rng)[0]
    program = PROGRAM.format(delay="d6", write="  wr #0")
    bruker.write_experiment(
        folder, data, list_acquisition_parameters(date, 64, False), PROCESSING, title, program
    )


def write_decay(
    folder: Path,
    powder: Powder,
    li: tuple[float, ...],
    date: float,
    title: str,
    effects: Effects,
    rng: np.random.Generator,
) -> None:
    """Write the echoes of growing delay; `li` holds the share of Li metal [percent] at each."""
    delays = LI_DELAYS if powder.li == 100 else DELAYS
    each = [
        list_lines(powder, share, delay, effects) for share, delay in zip(li, delays, strict=True)
    ]
    program = PROGRAM.format(delay="vd", write="  wr #0 if #0 zd ivd\n  lo to 2 times td1")
    data = simulate_echoes(each, effects, rng)
    bruker.write_experiment(
        folder,
        data,
        list_acquisition_parameters(date, 64, True),
        PROCESSING,
        title,
        program,
        list(delays),
    )


def write_powders(folder: Path, effects: Effects, rng: np.random.Generator) -> list[Truth]:
    """Write every powder's spectrum and decay series, and pure Li's; return the truth."""
    date = 1_670_000_000.0
    number = {False: "10", True: "20"}
    pure = Powder("Li_reference", "Li metal", 100.0, 70e-6, ())
    for powder in (pure, *POWDERS):
        title = f"{powder.sample}\nsynthetic demonstration data (ssbchar simulate)\n"
        where = folder / powder.name
        write_spectrum(where / number[False], powder, powder.li, date, title, effects, rng)
        shares = np.linspace(
            powder.li, powder.li if powder.li_after is None else powder.li_after, len(DELAYS)
        )
        write_decay(where / number[True], powder, tuple(shares), date + 2400, title, effects, rng)
        if powder.li_after is not None:
            write_spectrum(
                where / "30", powder, powder.li_after, date + 28800, title + "after\n", effects, rng
            )
        date += 43200
    return [row for powder in POWDERS for row in list_truths(powder)]


def correct_fraction(li: float, t2: float) -> float:
    """Return the share of Li metal at zero delay [percent] from the one at TR."""
    metal, rest = li * np.exp(TR / T2_LI), (100 - li) * np.exp(TR / t2)
    return float(100 * metal / (metal + rest))


def list_truths(powder: Powder) -> list[Truth]:
    """Return the known answers of a powder."""
    about = (powder.sample, "nmr")
    rows = [
        Truth(*about, LI, "raw", "li_metal_fraction", powder.li, "percent"),
        Truth(*about, SI, "raw", "li_si_fraction", 100 - powder.li, "percent"),
    ]
    if powder.t2 is None:
        return [*rows, Truth(*about, LI, "corrected", "li_metal_fraction", None, "percent", "N/A")]
    li = correct_fraction(powder.li, powder.t2)
    return [
        *rows,
        Truth(*about, LI, "corrected", "li_metal_fraction", li, "percent"),
        Truth(*about, SI, "corrected", "li_si_fraction", 100 - li, "percent"),
        Truth(*about, SI, "", "t2_star", powder.t2, "s"),
        Truth(*about, LI, "", "t2_star", T2_LI, "s"),
        Truth(*about, "sample", "", "alloyed_share", 100 - li, "percent"),
        Truth(*about, "sample", "", "x_alloyed", (100 - li) / 100, "1"),
    ]
