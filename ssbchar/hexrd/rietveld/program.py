"""rietx behind one adapter: a problem and a freedom in, refined numbers with their errors out.

The only module that imports rietx. Its esds are those of the covariance times the goodness of fit
(where that is above one), times the factor for residuals that follow each other (J.-F. Berar & P.
Lelann, J. Appl. Cryst. 24 (1991) 1).
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.crystal.cif_file import CELL_AXES
from ssbchar.errors import BadInput
from ssbchar.hexrd.export.cif import format_operation
from ssbchar.hexrd.rietveld.freedom import BGroup, Errors, Exchange, Freedom, Parameter, Shift
from ssbchar.hexrd.rietveld.problem import PhaseStart, Problem
from ssbchar.typing import Array

PACKAGE = "rietx"
COORDINATES = ("x", "y", "z")
START_STEPS = 4.0
"""Gaussian full width to start from, in steps of the pattern [1]."""
PROFILE = ("phases.*.lor_size", "phases.*.lor_strain", "instrument.profile.w")
"""Widths: one of the instrument for all, size and strain for each phase."""
CAGLIOTI = ("instrument.profile.u", "instrument.profile.v")
LINEAR = ("phases.*.scale", "instrument.background.*")
POSITIONS = ("phases.*.cell.*", "instrument.zero_shift")


@dataclass(frozen=True, kw_only=True)
class Refined:
    """Values with their standard errors, arrays of one shape; the error of what is held is NaN."""

    value: Array
    stderr: Array


@dataclass(frozen=True, kw_only=True)
class RefinedPhase:
    """A phase as it was refined."""

    cell: Refined
    """[angstrom, degree], shape (6,); the error of what symmetry fixes is 0."""
    position: Refined
    """Fractional, shape (site, 3)."""
    b_iso: Refined
    """[angstrom^2], shape (site,)."""
    occupancy: Refined
    """[1], shape (site,)."""
    weight_fraction: float
    """Share of the mass of the phases refined [1]."""
    weight_fraction_stderr: float
    r_bragg: float
    """[1]"""


@dataclass(frozen=True, kw_only=True)
class RefinedFrame:
    """What one refinement gave."""

    converged: bool
    phases: tuple[RefinedPhase, ...]
    rwp: float
    """[1]"""
    rexp: float
    """[1]"""
    gof: float
    """[1]"""
    serial_factor: float
    """By which all errors are larger for residuals that follow each other [1]."""
    zero: float
    """[degree]"""
    zero_stderr: float
    parameter_count: int
    calculated: Array
    """Refined pattern [count], shape (point,)."""
    background: Array
    """[count], shape (point,)"""
    restraint_misfit: float
    """Root mean square deviation of the restrained lengths over their sigma [1]; NaN without."""
    errors: Errors


def find_version() -> str:
    """Return the version of the installed rietx; empty where there is none."""
    from importlib import metadata

    if importlib.util.find_spec(PACKAGE) is None:
        return ""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def require_program() -> None:
    """Raise BadInput in one line where rietx is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise BadInput(
            "hexrd.rietveld.frames",
            "structures are refined by rietx, which is not installed",
            "install the extra 'rietveld' (package rietx), or name no frames",
        )


@dataclass(frozen=True, kw_only=True)
class Program:
    """rietx with one problem, compiled anew for each freedom, so that no result depends on what was
    tried before."""

    problem: Problem
    runs: dict[Freedom, RefinedFrame] = field(default_factory=dict)

    def list_shifts(self) -> tuple[Shift, ...]:
        """Return all ways [1] in which atoms may move within the symmetry of their places."""
        rows = _Refinement(self.problem).rows
        shifts = []
        for p, phase in enumerate(self.problem.phases):
            for place in phase.sites_by_position:
                ways = [path for path in rows if path.startswith(_name_shift(p, place[0], ""))]
                shifts += [Shift(phase=p, sites=place, number=n) for n in range(len(ways))]
        return tuple(shifts)

    def refine(self, freedom: Freedom) -> RefinedFrame:
        """Return the frame refined with scales, background, cells, zero and widths free, and of the
        structures what `freedom` says.

        Parameters
        ----------
        freedom : Freedom

        Raises
        ------
        BadInput
            rietx cannot calculate this problem.
        """
        if freedom not in self.runs:
            try:
                self.runs[freedom] = _Refinement(self.problem).run(freedom)
            except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                names = ", ".join(phase.known.name for phase in self.problem.phases)
                raise BadInput(
                    "hexrd.rietveld.frames",
                    f"rietx cannot refine {names}: {str(error)[:200]}",
                    "name other frames, or correct the structures",
                ) from error
        return self.runs[freedom]

    def try_freedom(self, freedom: Freedom) -> Errors:
        """Return how well the parameters of a freedom are determined; see `refine`."""
        return self.refine(freedom).errors


class _Refinement:
    """A refinement of rietx, and the names by which it knows our parameters."""

    def __init__(self, problem: Problem) -> None:
        import rietx

        self.problem = problem
        structure = rietx.Structure(phases=[build_phase(phase) for phase in problem.phases])
        self.inner = rietx.Refinement(structure, build_instrument(problem), history=False)
        self.rows: dict[str, Any] = {row.path: row for row in self.inner.parameters()}

    def run(self, freedom: Freedom) -> RefinedFrame:
        """Return the frame refined from the start in the order of McCusker et al. (1999)."""
        import rietx

        for phase, start in enumerate(self.problem.phases):
            self._tie_places(phase, start)
        sources = {one: self._tie(one) for one in freedom.parameters}
        profile = [*PROFILE, *(CAGLIOTI if self.problem.has_caglioti else ())]
        stages = [("scale", LINEAR), ("profile", profile), ("cell", POSITIONS)]
        stages += [("structure", list(sources.values()))] if sources else []
        plan = rietx.PlanSpec(
            stages=[rietx.StageSpec(name=name, turn_on=list(paths)) for name, paths in stages]
        )
        problem = self.problem
        data = rietx.PatternData(
            two_theta=problem.two_theta.tolist(),
            intensity=problem.intensity.tolist(),
            sigma=problem.stderr.tolist(),
        )
        with warnings.catch_warnings():
            # its search for lines that no phase explains, of which nothing is used
            warnings.filterwarnings("ignore", module=PACKAGE)
            # telemetry would leave a folder with a record of the run where the step runs
            result = self.inner.fit(data, plan=plan.to_plan(), telemetry=False)
        return _read_result(result, problem, self, sources)

    def length_along(self, shift: Shift, metric: Array) -> float:
        """Return the length of a way in which an atom may move, a step of one in its own unit
        [angstrom]."""
        source = _name_shift(shift.phase, shift.sites[0], shift.number)
        step = np.zeros(3)
        for k, axis in enumerate(COORDINATES):
            tie = self.rows[_name_atom(shift.phase, shift.sites[0], axis)].tie
            if tie is not None:
                step[k] = dict(tie.terms).get(source, 0.0)
        return float(np.sqrt(step @ metric @ step))

    def _tie_places(self, phase: int, start: PhaseStart) -> None:
        """Let atoms that share a place move as one."""
        for place in start.sites_by_position:
            for number in range(3):
                first = _name_shift(phase, place[0], number)
                for other in place[1:]:
                    path = _name_shift(phase, other, number)
                    if path in self.rows:
                        self.inner.tie(path, first)

    def _tie(self, parameter: Parameter) -> str:
        """Return the name of what stands for a parameter, with all else of it tied to that."""
        match parameter:
            case BGroup():
                b_iso = self.problem.phases[parameter.phase].b_iso
                first = parameter.sites[0]
                source = _name_atom(parameter.phase, first, "biso")
                for site in parameter.sites[1:]:
                    path = _name_atom(parameter.phase, site, "biso")
                    self.inner.tie(path, source, scale=float(b_iso[site] / b_iso[first]))
                return source
            case Shift():
                return _name_shift(parameter.phase, parameter.sites[0], parameter.number)
            case Exchange():
                sites = self.problem.phases[parameter.phase].known.sites
                total = sites[parameter.first].occupancy + sites[parameter.second].occupancy
                source = _name_atom(parameter.phase, parameter.first, "occ")
                other = _name_atom(parameter.phase, parameter.second, "occ")
                self.inner.tie(other, source, scale=-1.0, offset=total)
                return source


def _name_atom(phase: int, site: int, what: str) -> str:
    return f"phases.{phase}.atoms.{site}.{what}"


def _name_shift(phase: int, site: int, number: int | str) -> str:
    return _name_atom(phase, site, f"dof.{number}")


def build_phase(start: PhaseStart) -> Any:
    """Return a phase of rietx: cell [angstrom, degree], symmetry operations, sites, widths
    [degree] and restraints, nothing of it free."""
    import rietx
    from rietx.schemas.structure import BondRestraint

    known = start.known
    cell = dict(zip(CELL_AXES, map(float, start.cell), strict=True))
    operations = zip(known.rotations, known.translations, strict=True)
    atoms = [
        rietx.Atom(
            label=f"{site.element}{number}",
            species=site.element,
            **{
                axis: rietx.Parameter(value=float(value))
                for axis, value in zip(COORDINATES, site.position, strict=True)
            },
            # no bounds: a value beyond what can be tells of a fault, and its error stays honest
            occ=rietx.Parameter(value=site.occupancy),
            biso=rietx.Parameter(value=float(b_iso), unit="A^2"),
        )
        for number, (site, b_iso) in enumerate(zip(known.sites, start.b_iso, strict=True), 1)
    ]
    restraints = [
        BondRestraint(atom_i=bond.first, atom_j=bond.second, target=bond.length, sigma=bond.sigma)
        for bond in start.bonds
    ]
    return rietx.Phase(
        name=known.name,
        # with a bracket the operations alone count: a symbol leaves settings open
        space_group=f"{known.group} [operations listed]",
        symmetry_operations=[format_operation(*one).replace(" ", "") for one in operations],
        cell=rietx.Cell(**{axis: rietx.Parameter(value=value) for axis, value in cell.items()}),
        atoms=atoms,
        lor_size=rietx.Parameter(value=start.size_width, min=0.0, unit="deg"),
        lor_strain=rietx.Parameter(value=start.strain_width, min=0.0, unit="deg"),
        restraints=restraints,
    )


def build_instrument(problem: Problem) -> Any:
    """Return rietx's instrument: wavelengths [angstrom], polarisation, one Gaussian width, zero
    [degree] and background, nothing of it free but the background."""
    import rietx
    from rietx.schemas.instrument import BackgroundChebyshev, EmissionLine

    instrument = rietx.Instrument.debye_scherrer(
        wavelength=problem.wavelengths[0], polarization=problem.polarisation
    )
    instrument.source.lines += [
        EmissionLine(
            wavelength=rietx.Parameter(value=wavelength),
            weight=rietx.Parameter(value=problem.doublet_ratio),
        )
        for wavelength in problem.wavelengths[1:]
    ]
    step = float(np.median(np.diff(problem.two_theta)))
    instrument.profile.w.value = (START_STEPS * step) ** 2
    # Lorentzian widths are those of the phases
    instrument.profile.x.value = 0.0
    instrument.zero_shift.value = problem.zero
    instrument.background = BackgroundChebyshev.with_terms(problem.background_terms)
    return instrument


def _read_result(
    result: Any, problem: Problem, program: _Refinement, sources: Mapping[Parameter, str]
) -> RefinedFrame:
    found = {one.path: one for one in result.parameters}
    # rietx makes errors smaller, too, where chi-square is below one: errors of points that are
    # generous for intensities are no reason to trust parameters more
    widen = max(1.0, 1.0 / result.statistics.gof) if result.statistics.gof > 0 else 1.0
    values = {row.path: row.value for row in program.inner.parameters()}

    def read(paths: list[str], held: float = math.nan) -> Refined:
        """Read values and errors of paths; the error of what was held is `held`."""
        errors = [
            held if path not in found else widen * _number(found[path].stderr, held)
            for path in paths
        ]
        return Refined(value=np.array([values[path] for path in paths]), stderr=np.array(errors))

    shares = {one.name: one for one in result.qpa.phases} if result.qpa else {}
    agreement = {one.name: one for one in result.phase_agreement}
    phases = []
    for p, start in enumerate(problem.phases):
        sites = range(len(start.known.sites))
        places = read([_name_atom(p, s, axis) for s in sites for axis in COORDINATES])
        share, agrees = shares.get(start.known.name), agreement.get(start.known.name)
        only_one = len(problem.phases) == 1
        phases.append(
            RefinedPhase(
                cell=read([f"phases.{p}.cell.{axis}" for axis in CELL_AXES], held=0.0),
                position=Refined(
                    value=places.value.reshape(-1, 3), stderr=places.stderr.reshape(-1, 3)
                ),
                b_iso=read([_name_atom(p, s, "biso") for s in sites]),
                occupancy=read([_name_atom(p, s, "occ") for s in sites]),
                weight_fraction=_number(share.weight_fraction if share else None),
                # of one phase alone the share is one by definition
                weight_fraction_stderr=math.nan
                if only_one
                else widen * _number(share.weight_fraction_stderr if share else None),
                r_bragg=_number(agrees.r_bragg if agrees else None),
            )
        )
    statistics = result.statistics
    zero = read(["instrument.zero_shift"])
    converged = (
        result.status == "converged"
        and all(one.level != "error" for one in result.diagnostics)
        # a phase whose scale went to zero loses its cell without a word
        and all(phase.cell.stderr[0] > 0 for phase in phases)
    )
    lengths = _measure_lengths(program, phases, sources)
    return RefinedFrame(
        converged=converged,
        phases=tuple(phases),
        rwp=float(statistics.rwp),
        rexp=float(statistics.rexp),
        gof=float(statistics.gof),
        serial_factor=_number(statistics.esd_inflation, 1.0),
        zero=float(zero.value[0]),
        zero_stderr=float(zero.stderr[0]),
        parameter_count=int(statistics.n_free_parameters),
        calculated=np.asarray(result.y_calc, float),
        background=np.asarray(result.y_background, float),
        restraint_misfit=_measure_restraints(result),
        errors=Errors(
            converged=converged,
            stderr={
                one: widen * lengths(one) * _number(found[path].stderr if path in found else None)
                for one, path in sources.items()
            },
        ),
    )


def _measure_lengths(
    program: _Refinement, phases: list[RefinedPhase], sources: Mapping[Parameter, str]
) -> Callable[[Parameter], float]:
    """Return what turns the error of a parameter into that of `Errors`."""
    metrics = [metric_from_cell(phase.cell.value) for phase in phases]
    factors = {
        one: program.length_along(one, metrics[one.phase]) if isinstance(one, Shift) else 1.0
        for one in sources
    }
    return factors.__getitem__


def _measure_restraints(result: Any) -> float:
    rows = result.restraints.rows if result.restraints else []
    if not rows:
        return math.nan
    return float(np.sqrt(np.mean([row.deviation_over_sigma**2 for row in rows])))


def _number(value: float | None, otherwise: float = math.nan) -> float:
    return otherwise if value is None else float(value)
