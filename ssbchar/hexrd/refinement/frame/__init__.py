"""One pattern refined: the numerical core, apart from series, phases that come and go, and files.

Reading order: ``series`` (what all frames share) -> ``parameters`` -> ``model`` -> ``intensities``
(the linear part) -> ``normal_equations`` (the rest) -> ``refine`` -> ``fit`` (the result).

Loops over points and lines: ``profiles``, ``windows`` (sums and products of them),
``bordered_band`` (their normal equations), ``residuals``.
"""
