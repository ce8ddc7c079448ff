"""What ``exafs.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

_K, _R, _Q = ("spectrum", "k"), ("spectrum", "r"), ("spectrum", "q")
_ABSENT = "; absent where the scan ends too early"


def _describe_chi_r(part: str, stderr: str) -> Variable:
    return Variable(
        dims=_R,
        unit="angstrom^-3",
        meaning=f"{part} of chi(R), for the default power of k{_ABSENT}",
        ancillary=(stderr,),
        optional=True,
    )


def _describe_chi_r_stderr(part: str) -> Variable:
    return Variable(
        dims=_R,
        unit="angstrom^-3",
        meaning=f"standard error of the {part} of chi(R){_ABSENT}",
        optional=True,
    )


EXAFS = OutputTable(
    file="exafs.nc",
    steps=("xas.exafs.extract_exafs",),
    about="Background, chi(k), chi(R) and chi(q) of every spectrum.",
    variables={
        "k": Variable(
            dims=("k",), unit="1/angstrom", meaning="grid of k", coordinate=True, optional=True
        ),
        "r": Variable(
            dims=("r",),
            unit="angstrom",
            meaning="grid of R, no phase correction",
            coordinate=True,
            optional=True,
        ),
        "q": Variable(
            dims=("q",), unit="1/angstrom", meaning="grid of q", coordinate=True, optional=True
        ),
        "energy": Variable(
            dims=("energy",), unit="eV", meaning="energy axis", coordinate=True, optional=True
        ),
        "chi": Variable(
            dims=_K,
            unit="1",
            meaning=f"chi(k){_ABSENT}",
            ancillary=("chi_stderr",),
            optional=True,
        ),
        "chi_stderr": Variable(
            dims=_K, unit="1", meaning=f"standard error of `chi`{_ABSENT}", optional=True
        ),
        "chi_r_real": _describe_chi_r("real part", "chi_r_real_stderr"),
        "chi_r_real_stderr": _describe_chi_r_stderr("real part"),
        "chi_r_imag": _describe_chi_r("imaginary part", "chi_r_imag_stderr"),
        "chi_r_imag_stderr": _describe_chi_r_stderr("imaginary part"),
        "chi_r_magnitude": _describe_chi_r("magnitude", "chi_r_magnitude_stderr"),
        "chi_r_magnitude_stderr": _describe_chi_r_stderr("magnitude"),
        "chi_q_real": Variable(
            dims=_Q,
            unit="angstrom^-2",
            meaning=f"real part of the back transform, for the default power of k{_ABSENT}",
            optional=True,
        ),
        "chi_q_imag": Variable(
            dims=_Q,
            unit="angstrom^-2",
            meaning=f"imaginary part of the back transform, for the default power of k{_ABSENT}",
            optional=True,
        ),
        "background": Variable(
            dims=("spectrum", "energy"),
            unit="1",
            meaning=f"background spline; the absorption itself outside its range{_ABSENT}",
            optional=True,
        ),
        "window_k": Variable(
            dims=("k",), unit="1", meaning=f"Fourier window{_ABSENT}", optional=True
        ),
        "window_r": Variable(
            dims=("r",),
            unit="1",
            meaning=f"window of the back transform{_ABSENT}",
            optional=True,
        ),
        "clamp_weight": Variable(
            dims=("spectrum",),
            unit="1",
            meaning=f"effective weight of the clamp{_ABSENT}",
            optional=True,
        ),
        "e0": Variable(unit="eV", meaning="origin of the photoelectron energy"),
        "kmin": Variable(
            unit="1/angstrom", meaning=f"start of the Fourier window{_ABSENT}", optional=True
        ),
        "kmax": Variable(
            unit="1/angstrom", meaning=f"end of the Fourier window{_ABSENT}", optional=True
        ),
        "kweight": Variable(meaning=f"power of k in the Fourier transform{_ABSENT}", optional=True),
        "independent_points": Variable(
            unit="1",
            meaning=f"2 (kmax - kmin) (rmax - rmin) / pi{_ABSENT}",
            optional=True,
        ),
        "name": Variable(
            dims=("spectrum",), meaning=f"the scan, or `merged`{_ABSENT}", optional=True
        ),
        "status": Variable(
            dims=("spectrum",), meaning=f"`ok`, or `outlier`{_ABSENT}", optional=True
        ),
    },
    attributes={"exafs": "why there is no EXAFS; empty where there is"},
)
