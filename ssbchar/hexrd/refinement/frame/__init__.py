"""One pattern refined: the numerical core, apart from series, phases that come and go, and files.

Reading order: ``series`` (what all frames share) -> ``parameters`` -> ``model`` -> ``intensities``
(the linear part) -> ``normal_equations`` (the rest) -> ``refine`` -> ``fit`` (the result).
"""
