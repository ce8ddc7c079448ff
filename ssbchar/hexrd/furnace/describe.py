"""What was understood of a furnace log, in one line, for the check before a run."""

from __future__ import annotations

import numpy as np

from ssbchar.hexrd.furnace.log import FurnaceLog


def describe_log(log: FurnaceLog) -> str:
    """Return one line on a log: its column, unit, range and times.

    Parameters
    ----------
    log : FurnaceLog
        Temperatures [degC] and times [s] of shape (rows,).
    """
    known = log.temperature[np.isfinite(log.temperature)]
    text = f"{log.temperature.size} rows, T from column '{log.temperature_column}' in {log.unit}"
    if known.size:
        text += f", {known.min():.4g} to {known.max():.4g} degC"
    timed = log.time[np.isfinite(log.time)]
    if timed.size:
        text += f", over {np.ptp(timed) / 60:.3g} min"
    elif log.time_fault is not None:
        text += f", times not understood ({log.time_fault.problem})"
    else:
        text += ", no times"
    return "; ".join([text, *log.notes, *(fault.problem for fault in log.faults)])
