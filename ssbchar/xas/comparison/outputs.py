"""What ``comparison.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

_CHOICE, _SHELL = ("choice",), ("shell",)

COMPARISON = OutputTable(
    file="comparison.nc",
    steps=("xas.comparison.compare_pair",),
    about="The paired comparison under every set of processing choices; the first choice is the "
    "nominal one, `part` is pristine, then cycled.",
    variables={
        "pre1": Variable(dims=_CHOICE, unit="eV", meaning="start of the pre-edge fit"),
        "pre2": Variable(dims=_CHOICE, unit="eV", meaning="end of the pre-edge fit"),
        "norm1": Variable(dims=_CHOICE, unit="eV", meaning="start of the post-edge fit"),
        "norm2": Variable(dims=_CHOICE, unit="eV", meaning="end of the post-edge fit"),
        "nnorm": Variable(dims=_CHOICE, meaning="degree of the post-edge polynomial"),
        "e0_offset": Variable(
            dims=_CHOICE, unit="eV", meaning="what E0 is moved by for the background"
        ),
        "rbkg": Variable(dims=_CHOICE, unit="angstrom", meaning="background distance"),
        "kmin": Variable(dims=_CHOICE, unit="1/angstrom", meaning="start of the Fourier window"),
        "kmax": Variable(dims=_CHOICE, unit="1/angstrom", meaning="end of the Fourier window"),
        "dk": Variable(dims=_CHOICE, unit="1/angstrom", meaning="width of the window's slopes"),
        "window": Variable(dims=_CHOICE, meaning="shape of the window"),
        "tails": Variable(
            dims=_CHOICE,
            meaning="1 where the core level's tails are left out of the fits",
            long_name="1: the core level's tails left out",
        ),
        "edge_shift": Variable(
            dims=_CHOICE, unit="eV", meaning="half-step energy, cycled minus pristine"
        ),
        "white_line_change": Variable(
            dims=_CHOICE, unit="1", meaning="white line, cycled minus pristine"
        ),
        "amplitude": Variable(
            dims=("choice", "shell", "part"),
            unit="angstrom^-2",
            meaning="highest |chi(R)| of the shell, for the default power of k",
        ),
        "ratio": Variable(
            dims=("choice", "shell"),
            unit="1",
            meaning="amplitude, cycled over pristine",
            ancillary=("ratio_stderr",),
        ),
        "ratio_stderr": Variable(
            dims=_SHELL,
            unit="1",
            meaning="standard error of `ratio`, by noise or the scatter of repeats",
        ),
        "ratio_dof": Variable(
            dims=_SHELL, unit="1", meaning="degrees of freedom of `ratio_stderr`"
        ),
        "ratio_sampling": Variable(
            dims=_SHELL,
            unit="1",
            meaning="relative systematic error of `ratio`: the points of both lie elsewhere",
        ),
        "r_low": Variable(dims=_SHELL, unit="angstrom", meaning="start of the shell's R range"),
        "r_high": Variable(dims=_SHELL, unit="angstrom", meaning="end of the shell's R range"),
        "r_peak": Variable(dims=_SHELL, unit="angstrom", meaning="R of the pristine's peak"),
        "kweight": Variable(meaning="power of k in the Fourier transform"),
        "white_line_before": Variable(
            unit="1", meaning="white line of the pristine, median over the choices"
        ),
        "edge_shift_stderr": Variable(unit="eV", meaning="standard error of `edge_shift`"),
        "edge_shift_dof": Variable(unit="1", meaning="degrees of freedom of `edge_shift_stderr`"),
        "edge_shift_systematic": Variable(
            unit="eV", meaning="error of the energy axes that no repeat shows"
        ),
        "inflection_shift": Variable(
            unit="eV",
            meaning="inflection of the merged spectra, cycled minus pristine",
            ancillary=("inflection_shift_stderr",),
        ),
        "inflection_shift_stderr": Variable(unit="eV", meaning="its standard error"),
        "whole_edge_shift": Variable(
            unit="eV",
            meaning="shift that lays the whole edge of the cycled on the pristine's; NaN where "
            "none is found",
        ),
        "white_line_stderr": Variable(unit="1", meaning="standard error of `white_line_change`"),
        "white_line_dof": Variable(unit="1", meaning="degrees of freedom of `white_line_stderr`"),
        "white_line_systematic": Variable(
            unit="1", meaning="error of `white_line_change` by corrections of self-absorption"
        ),
        "amplitude_systematic": Variable(
            unit="1", meaning="relative error of each `ratio` by corrections of self-absorption"
        ),
    },
    attributes={
        "alignment": "what puts the pair on one energy axis: `foil`, `repeatability` or `none`",
        "alignment_source": "the same, in words",
        "element": "absorbing element",
        "edge": "its edge",
        "notes": "JSON: the pristine's remarks and doubts",
    },
)
