"""Values stated in an image's header: time, temperature, flux, and the set-up of the detector."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.formats.header_values import read_header
from ssbchar.timestamps import parse_moment
from ssbchar.units import Dimension, find_unit, split_label

TIME_KEYS = (
    "time_of_day",
    "timestamp",
    "data_collection_date",
    "start_time",
    "time",
    "date",
    "datetime",
)
TEMPERATURE_KEYS = (
    "temperature",
    "sample_temperature",
    "temp",
    "temperature_c",
    "temperature_k",
    "temp_c",
    "temp_k",
)
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
METRES_PER_ANGSTROM = 1e-10
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
        found = re.search(rf"({NUMBER})\s*([^\W\d_]*)", header.get(key, ""))
        if not found:
            continue
        if not found[2]:
            return float(found[1])
        unit = find_unit(found[2], Dimension.LENGTH)
        # an unknown unit may be that of another quantity: the next name is tried
        if unit is not None:
            # in two steps 172 micron would be 1.7199999999999998e-4 m
            return float(found[1]) * float(f"{unit.factor * METRES_PER_ANGSTROM:.6g}")
    return float("nan")


def read_temperature(header: Header, keys: Sequence[str]) -> tuple[float, bool]:
    """Return the first temperature in a header, and whether its unit is stated.

    Parameters
    ----------
    header : mapping
        Of an image.
    keys : sequence of str
        Names of the header value, in order of preference; a name may state the unit
        (``temperature_k``).

    Returns
    -------
    temperature : float
        [degC]; a number without a unit is taken so. NaN where no name has a number, or its unit is
        none of temperature.
    unit_stated : bool
        False where no temperature is known.
    """
    for key in keys:
        found = re.search(rf"({NUMBER})\s*(\S.*)?$", header.get(key.lower(), "").strip())
        if not found:
            continue
        named = split_label(key, Dimension.TEMPERATURE).unit
        text = (found[2] or "").strip("\"' ") or named
        if not text:
            return float(found[1]), False
        unit = find_unit(text, Dimension.TEMPERATURE)
        # what is in volts or in no known unit is no temperature: the next name is tried
        if unit is not None:
            return float(unit.convert(float(found[1]))), True
    return float("nan"), False


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
    found = read_header(text)
    if found.wavelength is not None:
        return found.wavelength
    # a statement in a unit that is none of length is not read as angstrom
    if any(one.quantity == "wavelength" for one in found.misread):
        return None
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
    # of day and month as numbers the day is first, as in the formats above: one order for a series
    return parse_moment(text, "day first")
