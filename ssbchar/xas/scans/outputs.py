"""What ``scans.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

_POINTS = ("scan", "point")

SCANS = OutputTable(
    file="scans.nc",
    steps=("xas.scans.read_scans",),
    about="Every scan of a measurement on its own raw energy axis, dense ones averaged in steps; "
    "shorter scans end in NaN.",
    variables={
        "energy": Variable(dims=_POINTS, unit="eV", meaning="raw axis of each scan"),
        "mu": Variable(dims=_POINTS, unit="1", meaning="absorption", ancillary=("mu_stderr",)),
        "mu_stderr": Variable(
            dims=_POINTS,
            unit="1",
            meaning="counting error of `mu`, NaN where the counts are unknown; of means that of "
            "their scatter",
        ),
        "mu_foil": Variable(
            dims=_POINTS,
            unit="1",
            meaning="absorption of the foil behind the sample, NaN where there is none",
        ),
        "i0": Variable(dims=_POINTS, unit="counts", meaning="incident beam"),
        "total": Variable(
            dims=_POINTS,
            unit="1",
            meaning="total absorption ln(I0/I1) of a transmission scan, else NaN",
        ),
        "source_file": Variable(dims=("scan",), meaning="file of the scan, and group within it"),
        "status": Variable(
            dims=("scan",),
            meaning="`ok`, `no_foil`, `foil_not_aligned` or `outlier`",
        ),
        "eshift": Variable(
            dims=("scan",),
            unit="eV",
            meaning="shift stored in an Athena project, not yet applied",
            long_name="the project's own shift",
        ),
        "start": Variable(
            dims=("scan",),
            unit="s",
            meaning="when the scan began, since 1970 where its file states a date; NaN where it "
            "says nothing",
            long_name="begin of the scan",
            optional=True,
        ),
        "channel": Variable(
            dims=("scan",),
            unit="1",
            meaning="mean over the scan of the column `read.channel` in the unit of the file, NaN "
            "where none is named",
            long_name="channel beside the scan",
            optional=True,
        ),
        "n_points": Variable(dims=("scan",), meaning="number of points of the scan"),
    },
    attributes={
        "element": "absorbing element",
        "edge": "its edge",
        "mode": "`transmission`, `fluorescence`, `mu` or `normalised`",
        "rebinned": "1 where points of a scan are means of several",
        "set_aside": "JSON: scans that were left out, with the problem and the remedy",
        "notes": "JSON: remarks and doubts on scans in use",
    },
)
