"""Absorption against Larch, side by side in one process on one core: the whole chain on 1000
spectra, and mixtures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.series.lcf_solver import fit_combination
from ssbchar.xas.series.options import Mixture

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from xas import made_spectra

Array = NDArray[np.float64]
COUNT = 1000
"""Spectra in a series."""
PEER = 100
"""Of these, how many the peer is timed on; its time is per spectrum and scales."""
E0 = 7119.6


def cases() -> list[dict[str, object]]:
    """Return the timed cases; without Larch ours alone, and a line that says so."""
    try:
        import larch
    except ImportError:
        print(
            "Larch is not installed (extra 'larch'): absorption is timed without its peer",
            file=sys.stderr,
        )
        version = ""
    else:
        version = str(larch.__version__)
    return [chain(version), mixtures(version, False), mixtures(version, True)]


def best(run: Callable[[], object], repeats: int = 5) -> float:
    """Return the least processor time of a few runs [s]; all threads count, other work on the
    machine does not."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def result(
    case: str, ours: float, version: str, peer: float | None, agreement: float | None
) -> dict[str, object]:
    """Return a row of the table."""
    return {
        "case": case,
        "ours_s": ours,
        "peer": "Larch" if version else "",
        "peer_version": version,
        "peer_s": peer,
        "ratio": peer / ours if peer else None,
        "agreement": "" if agreement is None else f"max difference / max {agreement:.0e}",
    }


def chain(version: str) -> dict[str, object]:
    """Time raw mu(E) to normalised spectra, chi(k) and chi(R), from operators made anew in the
    timed run."""
    random = np.random.default_rng(11)
    energy = made_spectra.grid()
    clean = made_spectra.mu(energy, made_spectra.Truth())
    series = clean * random.uniform(0.8, 1.2, (COUNT, 1)) + 3e-4 * random.standard_normal(
        (COUNT, energy.size)
    )

    def ours() -> Array:
        done = edge.normalise_edges(energy, series, edge.choose_fit_ranges(energy, E0))
        operators = autobk.build_operators(energy, E0, Exafs(rbkg=0.9))
        chi, _, _ = autobk.chi_from_mu(operators, series, done.edge_step)
        _, weights = fourier.build_k_window(
            operators.k, kmin=3.0, kmax=13.0, dk=1.0, shape="kaiser", kweight=2
        )
        return np.abs(fourier.chi_r_from_chi(chi, weights)[1])

    mine = ours()
    name = f"XAS: mu(E) to norm, flat, chi(k), chi(R), {COUNT} spectra of {energy.size} points"
    if not version:
        return result(name, best(ours), "", None, None)
    from larch import Group
    from larch.xafs import autobk as larch_autobk
    from larch.xafs import pre_edge, xftf

    theirs = []

    def peer() -> None:
        theirs.clear()
        for mu in series[:PEER]:
            group = Group(energy=energy.copy(), mu=mu.copy())
            pre_edge(group, e0=E0)
            larch_autobk(group, rbkg=0.9, ek0=E0)
            xftf(group, kmin=3, kmax=13, kweight=2, dk=1, window="kaiser")
            theirs.append(group.chir_mag)

    seconds = best(peer, 2) * COUNT / PEER
    difference = float(np.abs(mine[:PEER] - np.array(theirs)).max() / np.abs(theirs).max())
    return result(name, best(ours), version, seconds, difference)


def mixtures(version: str, shift: bool) -> dict[str, object]:
    """Time linear combinations of two references; Larch's energy shift is fitted by its own
    option."""
    random = np.random.default_rng(12)
    energy = made_spectra.grid()
    inside = (energy > E0 - 20) & (energy < E0 + 60)
    pair = []
    for truth in (made_spectra.Truth(), made_spectra.Truth(edge=7123.0, white=0.3)):
        pair.append(
            edge.normalise_edges(
                energy, made_spectra.mu(energy, truth)[None], edge.choose_fit_ranges(energy, E0)
            ).norm[0]
        )
    share = random.uniform(0, 1, (COUNT, 1))
    series = (
        share * pair[0]
        + (1 - share) * pair[1]
        + 1e-3 * random.standard_normal((COUNT, energy.size))
    )
    stderr = np.full((COUNT, int(inside.sum())), 1e-3)
    options = Mixture(shift=shift)

    def ours() -> Array:
        return fit_combination(
            energy[inside], series[:, inside], stderr, [(energy, p) for p in pair], options
        ).weight

    mine = ours()
    name = (
        "XAS: linear combination of 2 references, "
        f"{'energy shift free' if shift else 'no shift'}, {COUNT} spectra"
    )
    if not version:
        return result(name, best(ours), "", None, None)
    from larch import Group
    from larch.math import lincombo_fit

    parts = [
        Group(energy=energy, norm=p, filename=f"r{i}", groupname=f"r{i}")
        for i, p in enumerate(pair)
    ]
    found = []

    def peer() -> None:
        found.clear()
        for norm in series[:PEER]:
            group = Group(energy=energy, norm=norm, filename="s", groupname="s")
            done = lincombo_fit(
                group,
                parts,
                arrayname="norm",
                xmin=E0 - 20,
                xmax=E0 + 60,
                sum_to_one=False,
                vary_e0=shift,
            )
            found.append(list(done.weights.values()))

    seconds = best(peer, 2) * COUNT / PEER
    difference = float(np.abs(mine[:PEER] - np.array(found)).max())
    return result(name, best(ours), version, seconds, difference)
