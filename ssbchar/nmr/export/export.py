"""What others' programs read of an NMR measurement: decays and spectra as JCAMP-DX, the series as
csdm."""

from __future__ import annotations

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
    files = {"series.csdf": csdm.text(fid, f"{note}; {fid.attrs.get('title', '')}", store.date())}
    time, ppm, sf = fid["time"].values, spectrum["ppm"].values, float(fid.attrs["sf"])
    axis = jcamp.Axis(float(time[0]), float(time[-1]), time.size, "TIME", "SECONDS")
    hertz = jcamp.Axis(float(ppm[0] * sf), float(ppm[-1] * sf), ppm.size, "FREQUENCY", "HZ")
    for i, number in enumerate(spectrum["slice"].values.tolist()):
        row = fid.sel(slice=number)
        records = _records(fid, float(row["decay_time"]))
        y = row["real"].values + 1j * row["imag"].values
        files[f"slice{number:03d}_fid.dx"] = jcamp.text(
            f"{note}, slice {number}", "NMR FID", axis, y, records
        )
        s = spectrum["real"].values[i] + 1j * spectrum["imag"].values[i]
        files[f"slice{number:03d}_spectrum.dx"] = jcamp.text(
            f"{note}, slice {number}", "NMR SPECTRUM", hertz, s, records
        )
    return files


def _records(fid: xr.Dataset, decay_time: float) -> dict[str, object]:
    a = fid.attrs
    mass, element = (
        str(a["nucleus"]).rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        str(a["nucleus"]),
    )
    return {
        "ORIGIN": "ssbchar",
        "OWNER": "see the data's own source",
        ".OBSERVE FREQUENCY": float(a["sfo1"]),
        ".OBSERVE NUCLEUS": f"^{mass}{element[len(mass) :]}",
        ".AVERAGES": int(a["scans"]),
        "$SF": float(a["sf"]),
        "$SW_h": float(a["sw"]),
        "$GRPDLY": float(a["group_delay"]),
        "$NS": int(a["scans"]),
        "$RG": float(a["receiver_gain"]),
        "$DECAY_TIME": decay_time,
    }
