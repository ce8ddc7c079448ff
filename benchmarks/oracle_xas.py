"""Every stage against Larch: ``python -m benchmarks.oracle_xas`` in an environment that has the
extra ``larch``.

Given the same E0 and options, the greatest difference over the greatest value of each array, for
the real spectra of ``SSBCHAR_REAL_DATA`` that reach k = 9 (normalisation alone for shorter ones),
for 1000 perturbed copies of them, and for made spectra. ``--record`` writes Larch's arrays for the
made spectra to the file that the tests compare with.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import oracle_paths
from ssbchar.constants import ETOK
from ssbchar.xas import edge_features
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from xas import made_spectra

Array = NDArray[np.float64]
RECORD = Path("tests/xas/data/larch.npz")
PAGE = Path("docs/xas_oracle.md")
STAGES = {
    "normalisation": ("pre_edge", "post_edge", "norm", "flat"),
    "background": ("bkg", "chi"),
    "transform": ("kwin", "chir_re", "chir_im", "chir_mag"),
    "back transform": ("chiq_re", "chiq_im"),
}
RBKG, KMIN, KWEIGHT, DK, RMIN, RMAX, DR = 0.9, 3.0, 2, 1.0, 1.0, 4.0, 0.5


def main() -> int:
    """Print the table; return 1 where a difference exceeds 1e-6."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD}")
    parser.add_argument("--page", action="store_true", help=f"write {PAGE}")
    words = parser.parse_args()
    try:
        import larch
    except ImportError:
        print(
            "Larch is not installed: pip install 'ssbchar[larch]' in an environment of its own",
            file=sys.stderr,
        )
        return 0
    if words.record:
        record(larch.__version__)
    tables = {
        "Larch run on to its minimum": {
            n: differences(*s, True) for n, s in every_spectrum().items()
        },
        "Larch as it stops by default (ftol = xtol = 1e-6)": {
            n: differences(*s) for n, s in every_spectrum().items()
        },
    }
    tables["1000 perturbed copies, greatest; Larch run on to its minimum"] = {
        "all": perturbed(1000)
    }
    text = page(tables, larch.__version__) + oracle_paths.section()
    print(text)
    if words.page:
        PAGE.write_text(text, encoding="utf-8")
    exact = [t for n, t in tables.items() if "by default" not in n]
    return int(max(v for table in exact for row in table.values() for v in row.values()) > 1e-6)


def cases() -> list[dict[str, object]]:
    """Return no timing: `benchmarks.xas` holds those; this module only compares numbers."""
    return []


def made() -> dict[str, tuple[Array, Array, float]]:
    """Return made spectra: clean, noisy, with lost amplitude, on a coarse grid."""
    random = np.random.default_rng(5)
    found = {}
    for name, truth, fine, noise in (
        ("clean", made_spectra.Truth(), 0.3, 0.0),
        ("noisy", made_spectra.Truth(), 0.3, 1e-3),
        ("lossy", made_spectra.Truth(loss=0.4, white=0.1, step=0.3), 0.5, 3e-4),
        ("thick", made_spectra.Truth(white=1.2, step=2.4), 0.8, 3e-4),
    ):
        energy = made_spectra.grid(fine=fine)
        mu = made_spectra.mu(energy, truth) + noise * random.standard_normal(energy.size)
        found[name] = (energy, mu, 7119.6)
    return found


def real() -> dict[str, tuple[Array, Array, float]]:
    """Return the real spectra with E0 at their inflection; none where the folder is missing."""
    folder = Path(os.environ.get("SSBCHAR_REAL_DATA", "../shared/real")) / "xas"
    paths = [*sorted(folder.glob("aps20bm_feo/*.dat")), *sorted(folder.glob("fe_references/*.xdi"))]
    paths += sorted(folder.glob("ge_order/*.prj")) + sorted(folder.glob("lfp_fp_xanes/*.nor"))
    found = {}
    for path in paths:
        # As of a series: each is compared by itself, no two need be of one sample.
        how = ScanReading(mu="*" if path.suffix == ".nor" else "")
        scans = read.read_scans(path, how, {"role": "series"})
        for i in range(scans.sizes["scan"]):
            energy, mu = scans["energy"].values[i], scans["mu"].values[i]
            use = np.isfinite(energy) & np.isfinite(mu)
            e0 = float(edge_features.find_inflection(energy[use], mu[None, use])[0][0])
            label = str(scans["source_file"].values[i]).rpartition("/")[2]
            found[label] = (energy[use], mu[use], e0)
    return found


def every_spectrum() -> dict[str, tuple[Array, Array, float]]:
    """Return the made and the real spectra."""
    return {**{f"made: {n}": s for n, s in made().items()}, **real()}


def end_of_window(energy: Array, e0: float) -> float:
    """Return the kmax of the comparison, 0 for spectra that end below k = 9."""
    reach = float(np.sqrt(ETOK * (energy[-1] - e0)))
    return 0.0 if reach < 9 else min(13.0, float(np.floor(reach - 1)))


def ours(energy: Array, mu: Array, e0: float) -> dict[str, Array]:
    """Return our arrays by Larch's names; mu may hold many spectra."""
    spectra = np.atleast_2d(mu)
    done = edge.normalise_edges(energy, spectra, edge.choose_fit_ranges(energy, e0))
    out = {
        "pre_edge": done.pre_edge,
        "post_edge": done.post_edge,
        "norm": done.norm,
        "flat": done.flat,
    }
    kmax = end_of_window(energy, e0)
    if not kmax:
        return out
    operators = autobk.build_operators(energy, e0, Exafs(rbkg=RBKG))
    chi, coefficients, _ = autobk.chi_from_mu(operators, spectra, done.edge_step)
    kwin, weights = fourier.build_k_window(
        operators.k, kmin=KMIN, kmax=kmax, dk=DK, shape="kaiser", kweight=KWEIGHT
    )
    _, chi_r = fourier.chi_r_from_chi(chi, weights)
    _, chi_q, _ = fourier.chi_q_from_chi_r(chi_r, rmin=RMIN, rmax=RMAX, dr=DR, shape="kaiser")
    out |= {
        "bkg": autobk.evaluate_background(operators, spectra, coefficients),
        "chi": chi,
        "kwin": kwin,
    }
    out |= {"chir_re": chi_r.real, "chir_im": chi_r.imag, "chir_mag": np.abs(chi_r)}
    return out | {"chiq_re": chi_q.real, "chiq_im": chi_q.imag}


def larchs(energy: Array, mu: Array, e0: float, to_minimum: bool = False) -> dict[str, Array]:
    """Return Larch's arrays for one spectrum; `to_minimum` tightens the tolerances its background
    fit is coded with."""
    from larch import Group
    from larch.xafs import pre_edge, xftf, xftr

    group = Group(energy=energy.copy(), mu=mu.copy())
    pre_edge(group, e0=e0)
    names = list(STAGES["normalisation"])
    kmax = end_of_window(energy, e0)
    if kmax:
        _autobk(to_minimum)(group, rbkg=RBKG, ek0=e0)
        xftf(group, kmin=KMIN, kmax=kmax, kweight=KWEIGHT, dk=DK, window="kaiser")
        xftr(group, rmin=RMIN, rmax=RMAX, dr=DR, window="kaiser")
        names = [n for stage in STAGES.values() for n in stage]
    return {n: np.asarray(getattr(group, n)) for n in names}


@functools.cache
def _autobk(to_minimum: bool):  # type: ignore[no-untyped-def]
    import importlib

    module = importlib.import_module("larch.xafs.autobk")
    plain = module.leastsq

    def tight(function, start, arguments, **options):  # type: ignore[no-untyped-def]
        def slope(x, *given):  # type: ignore[no-untyped-def]
            steps = 1e-5 * np.eye(x.size)
            pairs = [
                (function(x + e, *given) - function(x - e, *given)) / (2 * e.max()) for e in steps
            ]
            return np.array(pairs).T

        found = plain(
            function, start, arguments, **{**options, "ftol": 1e-15, "xtol": 1e-15, "Dfun": slope}
        )
        x = found[0]
        for _ in range(8):
            x = x - np.linalg.lstsq(slope(x, *arguments), function(x, *arguments), rcond=None)[0]
        return (x, *found[1:])

    def run(*words, **options):  # type: ignore[no-untyped-def]
        module.leastsq = tight if to_minimum else plain
        try:
            return module.autobk(*words, **options)
        finally:
            module.leastsq = plain

    return run


def differences(energy: Array, mu: Array, e0: float, to_minimum: bool = False) -> dict[str, float]:
    """Return max|ours - Larch| / max|Larch| per array."""
    mine, theirs = ours(energy, mu, e0), larchs(energy, mu, e0, to_minimum)
    return {
        n: float(np.abs(np.squeeze(mine[n]) - v).max() / np.abs(v).max()) for n, v in theirs.items()
    }


def copies(count: int) -> Iterator[tuple[Array, Array, float]]:
    """Yield perturbed copies of the spectra that reach k = 9: noise, scale, a slope, E0 moved."""
    random = np.random.default_rng(7)
    long = [s for s in every_spectrum().values() if end_of_window(s[0], s[2])]
    for i in range(count):
        energy, mu, e0 = long[i % len(long)]
        x = (energy - e0) / 1000
        noise = 10 ** random.uniform(-5, -2.5) * np.ptp(mu) * random.standard_normal(mu.size)
        yield (
            energy,
            random.uniform(0.5, 2) * mu + random.normal(0, 0.1) * x + noise,
            e0 + random.uniform(-4, 4),
        )


def perturbed(count: int) -> dict[str, float]:
    """Return the greatest difference per array over perturbed copies."""
    worst: dict[str, float] = {}
    for spectrum in copies(count):
        for name, value in differences(*spectrum, True).items():
            worst[name] = max(value, worst.get(name, 0.0))
    return worst


def record(version: str) -> None:
    """Write Larch's arrays for the made spectra."""
    arrays: dict[str, Array] = {"larch_version": np.array(version)}
    for name, spectrum in made().items():
        for quantity, values in larchs(*spectrum, True).items():
            arrays[f"{name}/{quantity}"] = values
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(RECORD, **arrays)


def page(tables: dict[str, dict[str, dict[str, float]]], version: str) -> str:
    """Return the tables as Markdown."""
    lines = [
        "# Absorption against Larch",
        "",
        "Written by `make oracle`: max|ours - Larch| / max|Larch| per array, same E0 and options "
        f"(rbkg {RBKG:g}, k from {KMIN:g}, k weight {KWEIGHT}, Kaiser dk {DK:g}; back transform R "
        f"{RMIN:g}-{RMAX:g}), "
        f"Larch {version}.",
        "Spectra that end below k = 9 are compared in normalisation alone.",
        "",
        "Larch's background fit stops when its sum of squares changes by less than 1e-6 and takes "
        "its slopes by "
        "forward differences, so it halts near the minimum; ours is solved to it. The first table "
        "lets the same Larch "
        "fit run on (tolerance 1e-15, central differences, Gauss-Newton steps to the end), the "
        "second takes it as it "
        "stops by default.",
    ]
    names = [n for stage in STAGES.values() for n in stage]
    for title, table in tables.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| spectrum | " + " | ".join(names) + " |",
            "|---" * (len(names) + 1) + "|",
        ]
        for name, row in table.items():
            lines.append(
                f"| {name} | "
                + " | ".join(f"{row[n]:.0e}" if n in row else "" for n in names)
                + " |"
            )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    raise SystemExit(main())
