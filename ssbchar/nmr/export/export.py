"""Files of an NMR measurement for other programs: JCAMP-DX per slice, csdm for the series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from ssbchar.nmr.export import csdm, jcamp
from ssbchar.storage import store


def export_spectra(
    fid: xr.Dataset, spectrum: xr.Dataset, labels: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the files by name: ``slice<n>_fid.dx``, ``slice<n>_spectrum.dx`` of every good slice,
    ``series.csdf``.

    Decays are as measured, with the digital filter's transient: their time axis begins at minus the
    group delay. Spectra are phased, on the frequency axis against 0 ppm (HZ), over the stored
    range. SF is the frequency of 0 ppm; the compound of the shift reference is not written, since
    no parameter of the experiment states it.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    spectrum : Dataset
        From `ssbchar.nmr.lineshape.integrate_windows`.
    labels : dict, optional
        ``sample``.
    """
    sample = (labels or {}).get("sample", "")
    note = f"{sample}{' (synthetic)' if fid.attrs.get('synthetic') else ''}".strip()
    description = f"{note}; {fid.attrs.get('title', '')}"
    files = {"series.csdf": csdm.format_series(fid, description, store.find_software_date())}
    time, hertz = _time_axis(fid), _frequency_axis(spectrum, float(fid.attrs["sf"]))
    for number in spectrum["slice"].values.tolist():
        decay, shown = fid.sel(slice=number), spectrum.sel(slice=number)
        title, records = f"{note}, slice {number}", _list_records(fid.attrs, decay)
        for name, kind, axis, part in (
            ("fid", "NMR FID", time, decay),
            ("spectrum", "NMR SPECTRUM", hertz, shown),
        ):
            y = part["real"].values + 1j * part["imag"].values
            block = jcamp.format_block(title, kind, axis, y, records)
            files[f"slice{number:03d}_{name}.dx"] = block
    return files


def _time_axis(fid: xr.Dataset) -> jcamp.Axis:
    time = fid["time"].values
    return jcamp.Axis(
        first=float(time[0]), last=float(time[-1]), count=time.size, name="TIME", units="SECONDS"
    )


def _frequency_axis(spectrum: xr.Dataset, sf: float) -> jcamp.Axis:
    """Return the axis against 0 ppm [Hz]."""
    ppm = spectrum["ppm"].values
    return jcamp.Axis(
        first=float(ppm[0] * sf),
        last=float(ppm[-1] * sf),
        count=ppm.size,
        name="FREQUENCY",
        units="HZ",
    )


def _list_records(attrs: Mapping[Any, Any], decay: xr.Dataset) -> dict[str, object]:
    """Return the labelled data records: only what the experiment states."""
    nucleus = str(attrs["nucleus"])
    mass = nucleus.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    return {
        "ORIGIN": "ssbchar",
        "OWNER": "see the data's own source",
        ".OBSERVE FREQUENCY": float(attrs["sfo1"]),
        ".OBSERVE NUCLEUS": f"^{mass}{nucleus[len(mass) :]}",
        ".AVERAGES": int(attrs["scans"]),
        "$SF": float(attrs["sf"]),
        "$SW_h": float(attrs["sw"]),
        "$GRPDLY": float(attrs["group_delay"]),
        "$NS": int(attrs["scans"]),
        "$RG": float(attrs["receiver_gain"]),
        "$DECAY_TIME": float(decay["decay_time"]),
    }
