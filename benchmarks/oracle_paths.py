"""Scattering paths against Larch: chi(k) of FEFF's files, and a joint fit's parameters and
errors."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal import reflections
from ssbchar.xas.paths import exafs_equation, feff, feffdat, model
from ssbchar.xas.paths.cluster import build_clusters
from ssbchar.xas.paths.feff_input import format_feff_input
from ssbchar.xas.paths.options import Feff

Array = NDArray[np.float64]
PHASES = Path("config/phases/phases.yaml")
CRYSTALS = (("NiO", "Ni"), ("LFP", "Fe"), ("LAGP", "Ge"))
K = 0.05 * np.arange(281)
TRANSFORM = model.Transform(
    kmin=3.0, kmax=12.0, kweight=2, dk=1.0, window="kaiser", rmin=1.0, rmax=3.0
)
SEEDS = 5
COLUMNS = ("crystal", "paths", "chi(k)", "parameters (stderr)", "standard errors", "R factor")
ABOUT = (
    "FEFF's paths of a crystal (FEFF 6L, legs as it lists them): chi(k) from k = 2 at random E0, "
    "dR and s2, greatest "
    "difference over the greatest value; then the two first shells fitted to their sum with "
    f"noise ({SEEDS} seeds), by "
    "both: greatest difference of a parameter in its standard error, and of a standard error "
    "relative to it."
)


def section() -> str:
    """Return the comparison as Markdown; empty where FEFF is not there."""
    program = feff.find_executable(Feff())
    if program is None:
        return ""
    lines = [
        "",
        "## Scattering paths",
        "",
        ABOUT,
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---" * len(COLUMNS) + "|",
    ]
    for name, element in CRYSTALS:
        with tempfile.TemporaryDirectory() as folder:
            files = calculated(Path(folder), program, name, element)
            waves = max(chi_difference(p, i) for i, p in enumerate(files))
            fits = np.max([fit_difference(files, seed) for seed in range(SEEDS)], axis=0)
        numbers = " | ".join(f"{v:.0e}" for v in (waves, *fits))
        lines.append(f"| {name}, {element} K | {len(files)} | {numbers} |")
    return "\n".join([*lines, ""])


def calculated(folder: Path, program: Path, name: str, element: str) -> list[Path]:
    """Return the files that FEFF writes for a phase."""
    around = build_clusters(
        reflections.read_phase(PHASES, name, reflections.ReflectionListing()), element, 7.0
    )[0][0]
    (folder / "feff.inp").write_text(format_feff_input(around, "K", Feff(), name), encoding="ascii")
    subprocess.run([program], cwd=folder, capture_output=True, check=True, timeout=600)
    return sorted(folder.glob("feff0*.dat"))


def single(path: Path) -> tuple[exafs_equation.ScatteringPaths, exafs_equation.Shell]:
    """Return one path as a shell of its own."""
    found = feffdat.read_path(path)
    ds = feffdat.build_path_dataset([found], [0], path.name)
    return exafs_equation.ScatteringPaths(ds), exafs_equation.Shell(
        label=path.name, paths=np.array([0]), number=found.degeneracy, distance=found.reff
    )


def chi_difference(path: Path, seed: int) -> float:
    """Return max|ours - Larch| / max|Larch| of chi(k) of a path."""
    from larch.xafs import feffpath, path2chi

    random = np.random.default_rng(seed)
    e0, change, sigma2 = (
        random.uniform(-5, 5),
        random.uniform(-0.1, 0.1),
        random.uniform(0.002, 0.012),
    )
    table, shell = single(path)
    at = exafs_equation.ShellParameters(e0=e0, number=shell.number, delta_r=change, sigma2=sigma2)
    mine = table.compute_chi(K, shell, at)
    theirs = feffpath(str(path), e0=e0, deltar=change, sigma2=sigma2)
    path2chi(theirs, k=K.copy())
    use = K >= 2
    return float(np.abs(mine - theirs.chi)[use].max() / np.abs(theirs.chi[use]).max())


def fit_difference(files: list[Path], seed: int) -> list[float]:
    """Return differences of parameters, standard errors and R factor to Larch's feffit of the first
    two shells."""
    from larch import Group
    from larch.fitting import guess, param
    from larch.xafs import feffit, feffit_dataset, feffit_transform, feffpath

    random = np.random.default_rng(seed)
    found = [feffdat.read_path(p) for p in files]
    ds = feffdat.build_path_dataset(found, [0] * len(found), "oracle")
    shells, table = (
        exafs_equation.group_shells(ds, (), rmax=3.3, gap=0.25, legs=2)[:2],
        exafs_equation.ScatteringPaths(ds),
    )
    true = [
        (0.9 * s.number, random.uniform(-0.03, 0.03), random.uniform(0.004, 0.009)) for s in shells
    ]
    parameters = [
        exafs_equation.ShellParameters(e0=1.0, number=n, delta_r=dr, sigma2=s2)
        for n, dr, s2 in true
    ]
    waves = [table.compute_chi(K, s, at) for s, at in zip(shells, parameters, strict=True)]
    chi = np.sum(waves, axis=0)
    chi = chi + 1e-3 * random.standard_normal(K.size)
    places = np.array([[1, 2, 3], [4, 5, 6]])
    problem = model.PathFitProblem(
        [model.Spectrum(k=K, chi=chi, offset=0.0, e0=0, places=places)], table, shells, TRANSFORM
    )
    start = [0.0, shells[0].number, 0.0, 0.005, shells[1].number, 0.0, 0.005]
    mine = problem.fit([np.array(start)])

    pars = Group(e0=guess(0.0))
    listed = []
    for i, shell in enumerate(shells):
        for name, value in (("n", shell.number), ("dr", 0.0), ("ss", 0.005)):
            setattr(pars, f"{name}{i}", param(value, vary=True))
        for j in shell.paths:
            share = ds["degeneracy"].values[j] / shell.number
            listed.append(
                feffpath(
                    str(next(p for p in files if p.name == str(ds["name"].values[j]))),
                    degen=share,
                    s02=f"n{i}",
                    e0="e0",
                    deltar=f"dr{i}",
                    sigma2=f"ss{i}",
                )
            )
    t = TRANSFORM
    transform = feffit_transform(
        kmin=t.kmin, kmax=t.kmax, kw=t.kweight, dk=t.dk, window=t.window, rmin=t.rmin, rmax=t.rmax
    )
    out = feffit(
        pars, feffit_dataset(data=Group(k=K, chi=chi), pathlist=listed, transform=transform)
    )
    names = ["e0", "n0", "dr0", "ss0", "n1", "dr1", "ss1"]
    values = np.array([out.params[n].value for n in names])
    errors = np.array([out.params[n].stderr for n in names])
    own = np.sqrt(np.diag(mine.covariance))
    return [
        float(np.abs((mine.values - values) / errors).max()),
        float(np.abs(own / errors - 1).max()),
        float(abs(mine.r_factor[0] / out.rfactor - 1)),
    ]


if __name__ == "__main__":
    print(section())
