"""What ``calibrated.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable
from ssbchar.xas.scans.outputs import SCANS

SHIFT = "energy shift that was applied to the scan"
SHIFT_STDERR = "standard error of `shift`, NaN where the scan has none"
LEDGER = "JSON: the scan, its raw first energy, its shift, and by what it was shifted"

CALIBRATED = OutputTable(
    file="calibrated.nc",
    steps=("xas.calibration.calibrate_energy",),
    about="Scans on the calibrated energy axis.",
    variables={
        **SCANS.variables,
        "energy": Variable(
            dims=("scan", "point"),
            unit="eV",
            meaning="calibrated axis of each scan; shorter scans end in NaN",
            long_name="calibrated energy",
        ),
        "shift": Variable(dims=("scan",), unit="eV", meaning=SHIFT, ancillary=("shift_stderr",)),
        "shift_stderr": Variable(dims=("scan",), unit="eV", meaning=SHIFT_STDERR),
        "ledger": Variable(dims=("scan",), meaning=LEDGER),
    },
    attributes={
        **SCANS.attributes,
        "alignment": "`foil`, `project`, `repeatability` or `none`",
        "alignment_error": "error of one alignment [eV], NaN where it is unknown",
        "alignment_common_error": "what all scans of the measurement share besides [eV]",
        "alignment_origin_error": "error of energies by the noise of the standard's foil [eV]",
        "alignment_source": "what the axis rests on, in words",
        "alignment_doubt": "why the foil does not set the origin of the axis; empty where it does",
    },
)
