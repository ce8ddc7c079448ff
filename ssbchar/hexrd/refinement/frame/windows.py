"""Curves that are zero but over a window of points each: their sums, and their products with curves
and with each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array, Index


class Windows(NamedTuple):
    """Curves over a window of points each; the windows stand one after another in a flat array."""

    start: Index
    """First point of each window, shape (curve,)."""
    edge: Index
    """Window r is [edge[r], edge[r + 1]) of the flat array, shape (curve + 1,)."""
    value: Array
    """In any unit, shape (points of all windows,)."""


def windows_from_curves(curves: Array) -> Windows:
    """Return curves (curve, points) as windows that leave out the zeros at both ends of each; in
    their unit."""
    inside = [np.flatnonzero(curve) for curve in curves]
    parts = [curve[i[0] : i[-1] + 1] for curve, i in zip(curves, inside, strict=True)]
    return Windows(
        np.array([i[0] for i in inside]),
        np.concatenate([[0], np.cumsum([part.size for part in parts])]),
        np.concatenate(parts),
    )


@compile_loops
def sum_windows(windows: Windows, factors: Array, points: int) -> Array:
    """Return sums of the curves times factors (sum, curve), over all points of the axis, shape
    (sum, points); in the units of both."""
    sums = np.zeros((len(factors), points))
    for c in range(len(factors)):
        for r in range(windows.start.size):
            factor = factors[c, r]
            if factor == 0:
                continue
            # slices: the compiler then knows that indices are inside, and takes several at a time
            curve = windows.value[windows.edge[r] : windows.edge[r + 1]]
            total = sums[c, windows.start[r] : windows.start[r] + curve.size]
            for i in range(curve.size):
                total[i] += factor * curve[i]
    return sums


@compile_loops
def sum_windows_by_owner(windows: Windows, factor: Array, owned: Index, points: int) -> Array:
    """Return the sum of the curves of each owner times a factor each (curve,), over all points of
    the axis, shape (owner, points), in the units of both; owner p has the curves [owned[p],
    owned[p + 1])."""
    sums = np.zeros((owned.size - 1, points))
    for p in range(owned.size - 1):
        for r in range(owned[p], owned[p + 1]):
            if factor[r] == 0:
                continue
            curve = windows.value[windows.edge[r] : windows.edge[r + 1]]
            total = sums[p, windows.start[r] : windows.start[r] + curve.size]
            for i in range(curve.size):
                total[i] += factor[r] * curve[i]
    return sums


class LinearProducts(NamedTuple):
    """Weighted products of windows that overlap with their neighbours (`lines`), of windows that
    overlap with many lines (`splines`), of whole curves, and of all of them with the observed
    pattern; splines and curves stand in this order in border and corner."""

    band: Array
    """Of lines with themselves and those after them, shape (line, neighbours)."""
    border: Array
    """Of lines with splines and curves, shape (line, spline + curve)."""
    corner: Array
    """Of splines and curves, shape (spline + curve, spline + curve)."""
    target: Array
    """Of lines, splines and curves with the observed pattern, shape (line + spline + curve,)."""


@compile_loops
def multiply_linear_part(
    lines: Windows, which: Index, splines: Windows, curves: Array, observed: tuple[Array, Array]
) -> LinearProducts:
    """Return the products of normal equations of which some lines, splines and curves are the
    linear part.

    Parameters
    ----------
    lines : Windows
    which : ndarray of int
        The lines that take part, their first points ascending.
    splines : Windows
        Their first points ascending.
    curves : ndarray, shape (curve, points)
        In any unit, as the windows.
    observed : tuple of ndarray, shape (points,)
        Pattern and weight of each point.
    """
    pattern, weight = observed
    count, terms = which.size, splines.start.size
    every_term = np.arange(terms)
    weighted = weight * curves
    border = np.empty((count, terms + len(curves)))
    border[:, :terms] = multiply_across(lines, which, splines, weight)
    border[:, terms:] = project_on_windows(lines, which, weighted)
    corner = np.empty((terms + len(curves), terms + len(curves)))
    corner[:terms, :terms] = multiply_all(splines, weight)
    corner[:terms, terms:] = project_on_windows(splines, every_term, weighted)
    corner[terms:, :terms] = corner[:terms, terms:].T
    corner[terms:, terms:] = curves @ weighted.T
    target = np.empty(count + terms + len(curves))
    one_curve = (weight * pattern).reshape(1, -1)
    target[:count] = project_on_windows(lines, which, one_curve)[:, 0]
    target[count : count + terms] = project_on_windows(splines, every_term, one_curve)[:, 0]
    target[count + terms :] = weighted @ pattern
    return LinearProducts(multiply_neighbours(lines, which, weight), border, corner, target)


@compile_loops
def project_on_linear_part(
    lines: Windows, which: Index, splines: Windows, curves: Array, others: Array
) -> Array:
    """Return the products of some lines, splines and curves, in the order of
    `multiply_linear_part`, with other curves (other, points), shape (line + spline + curve, other);
    in the units of both."""
    terms = splines.start.size
    products = np.empty((which.size + terms + len(curves), len(others)))
    products[: which.size] = project_on_windows(lines, which, others)
    of_splines = project_on_windows(splines, np.arange(terms), others)
    products[which.size : which.size + terms] = of_splines
    products[which.size + terms :] = curves @ others.T
    return products


@compile_loops
def scale_windows(windows: Windows, factor: Array) -> Windows:
    """Return the curves times a factor at each point (points,), in the unit of both."""
    value = windows.value.copy()
    for r in range(windows.start.size):
        window = value[windows.edge[r] : windows.edge[r + 1]]
        window *= factor[windows.start[r] : windows.start[r] + window.size]
    return Windows(windows.start, windows.edge, value)


@compile_loops
def project_on_windows(windows: Windows, which: Index, curves: Array) -> Array:
    """Return the products sum_i v_r(x_i) y_i of some windows with curves y.

    Parameters
    ----------
    windows : Windows
    which : ndarray of int
        The windows r.
    curves : ndarray, shape (curve, points)
        In any unit.

    Returns
    -------
    ndarray, shape (which, curve)
    """
    products = np.empty((which.size, len(curves)))
    for n in range(which.size):
        r = which[n]
        window = windows.value[windows.edge[r] : windows.edge[r + 1]]
        for c in range(len(curves)):
            curve = curves[c, windows.start[r] : windows.start[r] + window.size]
            total = 0.0
            for i in range(window.size):
                total += window[i] * curve[i]
            products[n, c] = total
    return products


@compile_loops
def multiply_across(first: Windows, which: Index, second: Windows, weight: Array) -> Array:
    """Return the weighted products sum_i w_i u_r(x_i) v_s(x_i) of some windows of a set with all of
    another.

    Parameters
    ----------
    first, second : Windows
        The first points of the second set's windows are ascending.
    which : ndarray of int
        The windows r of the first set.
    weight : ndarray, shape (points,)
        w, in any unit.

    Returns
    -------
    ndarray, shape (which, windows of the second set)
    """
    products = np.zeros((which.size, second.start.size))
    weighted = np.empty(weight.size)
    for n in range(which.size):
        r = which[n]
        begin, left = first.start[r], first.value[first.edge[r] : first.edge[r + 1]]
        end = begin + left.size
        for i in range(left.size):
            weighted[begin + i] = weight[begin + i] * left[i]
        for s in range(second.start.size):
            low = max(begin, second.start[s])
            high = min(end, second.start[s] + second.edge[s + 1] - second.edge[s])
            if second.start[s] >= end:
                break
            if low >= high:
                continue
            shared = weighted[low:high]
            other = second.value[second.edge[s] + low - second.start[s] :]
            total = 0.0
            for i in range(shared.size):
                total += shared[i] * other[i]
            products[n, s] = total
    return products


@compile_loops
def multiply_neighbours(windows: Windows, which: Index, weight: Array) -> Array:
    """Return the weighted products sum_i w_i v_r(x_i) v_s(x_i) of windows with themselves and with
    those after them that overlap: a band of their normal matrix.

    Parameters
    ----------
    windows : Windows
    which : ndarray of int
        The windows, their first points ascending.
    weight : ndarray, shape (points,)
        w, in any unit.

    Returns
    -------
    ndarray, shape (which, neighbours)
        Entry [n, k] is the product of windows `which[n]` and `which[n + k]`; 0 beyond the last.
    """
    start, edge = windows.start[which], windows.edge[which]
    stop = start + windows.edge[which + 1] - edge
    neighbours = 1
    for n in range(which.size):
        while n + neighbours < which.size and start[n + neighbours] < stop[n]:
            neighbours += 1
    band = np.zeros((which.size, neighbours))
    weighted = np.empty(weight.size)
    for n in range(which.size):
        for i in range(start[n], stop[n]):
            weighted[i] = weight[i] * windows.value[edge[n] + i - start[n]]
        for k in range(min(neighbours, which.size - n)):
            m = n + k
            high = min(stop[n], stop[m])
            if start[m] >= high:
                break
            shared, other = weighted[start[m] : high], windows.value[edge[m] :]
            total = 0.0
            for i in range(shared.size):
                total += shared[i] * other[i]
            band[n, k] = total
    return band


@compile_loops
def multiply_all(windows: Windows, weight: Array) -> Array:
    """Return the weighted products sum_i w_i v_r(x_i) v_s(x_i) of windows, their first points
    ascending, with each other, shape (window, window); w (points,) in any unit."""
    count = windows.start.size
    band = multiply_neighbours(windows, np.arange(count), weight)
    products = np.zeros((count, count))
    for r in range(count):
        for k in range(min(band.shape[1], count - r)):
            products[r, r + k] = products[r + k, r] = band[r, k]
    return products
