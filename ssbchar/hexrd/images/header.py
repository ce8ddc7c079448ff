"""Values stated in an image's header: time, temperature, flux, and the set-up of the detector."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ssbchar.hexrd import bragg

TIME_KEYS = (
    "time_of_day",
    "timestamp",
    "data_collection_date",
    "start_time",
    "time",
    "date",
    "datetime",
)
TEMPERATURE_KEYS = ("temperature", "sample_temperature", "temp", "temperature_c")
MONITOR_KEYS = ("monitor", "ion_chamber", "i0")
DISTANCE_KEYS = ("detector_distance", "nominal distance", "distance", "sampledistance")
PIXEL_KEYS = ("pixel_size", "x_pixel_size", "pixel", "psize_1")
SATURATION_KEYS = ("count_cutoff", "saturation_value", "countrate_correction_count_cutoff")
TIME_FORMATS = (
    "%Y:%m:%d %H:%M:%S",
    "%Y.%m.%d : %H:%M:%S.%f",
    "%a %b %d %H:%M:%S %Y",
    "%d/%m/%Y %H:%M:%S",
)
"""Formats of a time other than ISO 8601: TIFF, QXRD, ctime."""
METRES_PER_UNIT = {
    "m": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "micron": 1e-6,
    "nm": 1e-9,
}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""Regular expression of a decimal number."""
CBF_CONTENTS = "_array_data.header_contents"
"""Header value of a CBF that holds the detector's own header as free text."""

Header = Mapping[str, str]
"""Header values of an image by name; names are in lower case."""


def read_number(header: Header, keys: Sequence[str]) -> float:
    """Return the first number in a header.

    Parameters
    ----------
    header : mapping
        Of an image.
    keys : sequence of str
        Names of the header value, in order of preference.

    Returns
    -------
    float
        In the unit of the header; NaN where no name has a number.
    """
    for key in keys:
        found = re.search(NUMBER, header.get(key.lower(), ""))
        if found:
            return float(found[0])
    return float("nan")


def read_length(header: Header, keys: Sequence[str]) -> float:
    """Return the first length in a header.

    Parameters
    ----------
    header : mapping
        Of an image.
    keys : sequence of str
        Names of the header value, in order of preference.

    Returns
    -------
    float
        [m]; a number without a unit is taken as metres. NaN where no name has a length.
    """
    for key in keys:
        found = re.search(rf"({NUMBER})\s*([a-zµ]*)", header.get(key, ""))
        # an unknown unit may be that of another quantity: the next name is tried
        if found and found[2] in ("", *METRES_PER_UNIT):
            return float(found[1]) * METRES_PER_UNIT.get(found[2], 1.0)
    return float("nan")


def read_wavelength(header: Header) -> tuple[float, float] | None:
    """Return the wavelength in a header.

    Parameters
    ----------
    header : mapping
        Of an image.

    Returns
    -------
    wavelength, stderr : float
        Wavelength and the standard deviation of its rounding [angstrom]; None instead of both where
        the header states none.
    """
    text = "\n".join(f"{key}: {value}" for key, value in header.items())
    return bragg.wavelength_from_header(text)


def is_synthetic(header: Header) -> bool:
    """Return whether any header value contains the word synthetic."""
    return any("synthetic" in value.lower() for value in header.values())


def read_time(header: Header, key: str, utc_offset: float) -> tuple[float, bool]:
    """Return when a frame was taken, and whether the header states the time zone.

    Parameters
    ----------
    header : mapping
        Of an image; ``frame_time`` [s] and ``frame_in_file`` place a frame within its file.
    key : str
        Name of the header value; empty tries `TIME_KEYS`.
    utc_offset : float
        Hours that local time is ahead of UTC, for times written without a zone.

    Returns
    -------
    time : float
        [s since 1970-01-01 UTC]; NaN where unknown.
    zone_stated : bool
        False where `utc_offset` was applied, and where no time is known.
    """
    within_file = _read_time_within_file(header)
    for text in _list_time_texts(header, key):
        if re.fullmatch(r"\d{9,10}(\.\d*)?", text):
            # nine or ten digits: seconds since 1970, which need no zone
            return float(text) + within_file, True
        when = _parse_time(text)
        if when is not None:
            zone_stated = when.tzinfo is not None
            if not zone_stated:
                when = when.replace(tzinfo=UTC) - timedelta(hours=utc_offset)
            return when.timestamp() + within_file, zone_stated
    return float("nan"), False


def _read_time_within_file(header: Header) -> float:
    """Return the time of a frame after the first one of its file [s]."""
    frame_time = read_number(header, ("frame_time",))
    if frame_time != frame_time:
        frame_time = 0.0
    return frame_time * (int(header.get("frame_in_file", "1")) - 1)


def _list_time_texts(header: Header, key: str) -> list[str]:
    """Return the texts that may hold the time, in order of preference."""
    if key:
        return [header.get(key.lower(), "").strip()]
    texts = [header.get(name, "").strip() for name in TIME_KEYS]
    iso_time = re.search(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.?\d*",
        header.get(CBF_CONTENTS, ""),
    )
    if iso_time:
        texts.append(iso_time[0])
    return texts


def _parse_time(text: str) -> datetime | None:
    """Return a time written as ISO 8601 or in one of `TIME_FORMATS`."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for time_format in TIME_FORMATS:
        try:
            return datetime.strptime(text, time_format)
        except ValueError:
            continue
    return None
