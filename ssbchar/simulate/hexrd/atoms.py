"""Form factors and masses of the simulator's atoms."""

import numpy as np

from ssbchar.typing import Array

FORM_FACTORS: dict[str, tuple[int, tuple[float, ...], tuple[float, ...]]] = {
    "Li": (3, (1.611, 1.246, 0.326, 0.099), (107.638, 30.48, 4.533, 0.495)),
    "O": (8, (0.455, 0.917, 0.472, 0.138), (23.78, 7.622, 2.144, 0.296)),
    "Al": (13, (2.276, 2.428, 0.858, 0.317), (72.322, 19.773, 3.08, 0.408)),
    "P": (15, (1.888, 2.469, 0.805, 0.32), (44.876, 13.538, 2.642, 0.361)),
    "Mn": (25, (2.747, 2.456, 1.792, 0.498), (67.786, 15.674, 3.0, 0.357)),
    "Fe": (26, (2.544, 2.343, 1.759, 0.506), (64.424, 14.88, 2.854, 0.35)),
    "Co": (27, (2.367, 2.236, 1.724, 0.515), (61.431, 14.18, 2.725, 0.344)),
    "Ni": (28, (2.21, 2.134, 1.689, 0.524), (58.727, 13.553, 2.609, 0.339)),
    "Ge": (32, (2.447, 2.702, 1.616, 0.601), (55.893, 14.393, 2.446, 0.342)),
    "Ce": (58, (5.007, 3.98, 1.678, 0.0), (28.283, 5.183, 0.589, 0.0)),
}
"""Z, a_i [angstrom^2], b_i [angstrom^2] of f(s) = Z - 41.78214 s^2 sum a_i exp(-b_i s^2), s = 1/(2
d).

Values as in the tables of M. De Graef & M. E. McHenry, Structure of Materials, Cambridge University
Press (2007).
"""
ATOMIC_MASSES = {
    "Li": 6.94,
    "O": 15.999,
    "Al": 26.982,
    "P": 30.974,
    "Mn": 54.938,
    "Fe": 55.845,
    "Co": 58.933,
    "Ni": 58.693,
    "Ge": 72.630,
    "Ce": 140.12,
}
"""Atomic masses [u] (IUPAC, abridged)."""


def calculate_form_factor(element: str, s: Array) -> Array:
    """Return the atomic form factor f(s) = Z - 41.78214 s^2 sum a_i exp(-b_i s^2).

    Parameters
    ----------
    element : str
        Symbol.
    s : ndarray
        1 / (2 d) [1/angstrom].

    Returns
    -------
    ndarray, shape of `s`
        [electron]
    """
    z, heights, exponents = FORM_FACTORS[element]
    terms = sum(a * np.exp(-b * s**2) for a, b in zip(heights, exponents, strict=True))
    return np.asarray(z - 41.78214 * s**2 * terms)
