"""An example for each section of the config, for its page: what one might want, and how to say
it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ssbchar.runtime import options as opts


@dataclass(frozen=True, kw_only=True)
class OptionExample:
    """Departures from the defaults of one section, and when they are wanted."""

    when: str
    options: Mapping[str, Any]


def _example(when: str, **options: Any) -> OptionExample:
    return OptionExample(when=when, options=options)


EXAMPLES: dict[str, OptionExample] = {
    "": _example(
        "a campaign with a phases file of its own",
        run="mine",
        samples="config/mine/samples.tsv",
        phases="config/mine/phases.yaml",
    ),
    "hexrd": _example("frames without a wavelength in their headers", read={"wavelength": 0.24117}),
    "hexrd.read": _example(
        "plain columns of q, with the wavelength of the beamline's log book",
        wavelength=0.24117,
        wavelength_stderr=2e-5,
        axis_unit="1/angstrom",
    ),
    "hexrd.read.limits": _example("one HDF5 file of 60 GB holds the whole series", file_size=60000),
    "hexrd.furnace": _example(
        "a log of local times in kelvin, kept by a clock that was 40 s fast",
        log_timezone="America/Chicago",
        temperature_unit="K",
        clock_offset=-40.0,
        clock_offset_stderr=5.0,
    ),
    "hexrd.furnace.limits": _example("a log kept ten times a second", rows=100_000_000),
    "hexrd.track": _example(
        "two reflections followed whatever their strength", reflections=["LAGP 012", "LFP 200"]
    ),
    "hexrd.geometry": _example(
        "images without distance and wavelength in their headers",
        wavelength=0.1665,
        distance=1400.0,
        calibrant="CeO2",
    ),
    "hexrd.geometry.limits": _example("a mosaic detector", pixels=400_000_000),
    "hexrd.integrate": _example(
        "patterns of 3000 points, with sectors around the rings to see texture and grains",
        points=3000,
        two_theta=[1.5, 16.0],
        sectors=36,
    ),
    "hexrd.integrate.limits": _example("a mosaic detector", pixels=400_000_000),
    "hexrd.phases": _example("reflections down to 1 angstrom only", d_min=1.0),
    "hexrd.refine": _example(
        "the first rings are behind the beam stop", two_theta_min=2.5, background_terms=24
    ),
    "hexrd.expansion": _example(
        "mean coefficients over the range that a publication gives", mean_from=50.0, mean_to=400.0
    ),
    "hexrd.onset": _example("frames far apart: one is enough", consecutive=1),
    "hexrd.time_course": _example("one change is expected over a hold", most_changes=1),
    "hexrd.candidates": _example("weaker lines of unknown phases", significance=4.0),
    "hexrd.stability": _example(
        "an internal standard was mixed in, and cells may return within 0.1 %",
        standard="Al2O3",
        cell_tolerance=0.1,
    ),
    "hexrd.pair": _example("lengths must agree within 0.1 %", cell_tolerance=0.1),
    "hexrd.export": _example("GSAS-II files of three further frames", frames=[1, 40, 80]),
    "xas": _example(
        "scans whose columns have no names", read={"energy": "column 1", "i0": "column 2"}
    ),
    "xas.read": _example(
        "fluorescence of four elements beside the ion chambers",
        mode="fluorescence",
        fluorescence=["fl1", "fl2", "fl3", "fl4"],
        i0="I0",
        foil="Iref",
    ),
    "xas.read.limits": _example("quick scans of two million points", points=3_000_000),
    "xas.calibrate": _example(
        "no foil in the beam, but the monochromator's repeatability is known",
        repeatability=0.03,
        repeatability_source="twelve foil scans of one night",
    ),
    "xas.normalise": _example(
        "ranges as in the publication", pre1=-150.0, pre2=-50.0, norm1=150.0, norm2=700.0
    ),
    "xas.window": _example("noise above 11 / angstrom", kmin=3.0, kmax=11.0),
    "xas.exafs": _example("a short first shell: the background ends below it", rbkg=0.8),
    "xas.compare": _example(
        "shells given by their ranges [angstrom]", shells=[[1.0, 2.0], [2.2, 3.3]]
    ),
    "xas.mixture": _example("the shares must sum to one", sum_to_one=True),
    "xas.series": _example("a narrower range around the edge", window=[-10.0, 50.0]),
    "xas.feff": _example("paths up to 4 angstrom", rmax=4.0),
    "xas.path_fit": _example("the amplitude is known from a standard", s02=0.85),
    "nmr": _example("windows of another pair of signals", regions={"li_si": [-100.0, 100.0]}),
    "nmr.regions": _example(
        "a wider window for metal, whose shift depends on how pieces lie",
        li_metal=[230.0, 290.0],
        li_si=[-150.0, 150.0],
    ),
    "nmr.read": _example(
        "a decay series over the list vd; repeats are compared per mass [g]",
        decay_axis="vd",
        sample_mass=0.0352,
    ),
    "nmr.read.limits": _example("a file of long echo trains", points=50_000_000),
    "nmr.lines": _example("the first 6 points hold the receiver's ringing", skip=6),
    "nmr.spectrum": _example("spectra of narrow lines", broadening=10.0, zero_fill=4),
    "nmr.processed": _example("the spectrum that TopSpin holds as procno 2", procno=2),
    "nmr.decay": _example("one exponential is known to hold", models=["exponential"]),
    "nmr.time_course": _example("shares that change by less than 1 % are constant", tolerance=1.0),
    "nmr.relaxation": _example("one exponential is known to hold", models=["exponential"]),
    "nmr.quantify": _example("Li1Si as weighed", x_nominal=1.0, x_nominal_stderr=0.01),
    "nmr.quantify.systematics": _example(
        "measured T1, and lithium pieces of 5 to 40 um",
        t1_metal=0.15,
        t1_li_si=0.6,
        diameters=[5e-6, 4e-5],
    ),
    "report": _example(
        "a page with its title and beamline", title="LAGP with LFP", hexrd_instrument="17-BM, APS"
    ),
}
"""By place in the config."""


def format_example(place: str, kind: type) -> str:
    """Return the example of a section as it stands in a config file (Markdown).

    Parameters
    ----------
    place : str
        The section's place in the config, empty for the top level.
    kind : type
        Its option dataclass: without an example of its own its first default is shown.
    """
    example = EXAMPLES.get(place) or _show_default(kind)
    if example is None:
        return ""
    nested: Any = dict(example.options)
    for name in reversed(place.split(".") if place else []):
        nested = {name: nested}
    text = yaml.safe_dump(nested, sort_keys=False, default_flow_style=None).rstrip()
    return f"Example: {example.when}.\n\n```yaml\n{text}\n```\n"


def _show_default(kind: type) -> OptionExample | None:
    for field in dataclasses.fields(kind):
        default = opts.find_default(field)
        if isinstance(default, bool | int | float | str) and default != "":
            return _example("the default, written out", **{field.name: default})
    return None
