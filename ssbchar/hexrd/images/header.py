"""What an image's header says: time, temperature, flux, and the set-up of the detector."""

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
"""Ways of writing a time beside ISO 8601: TIFF, QXRD, ctime."""
METRES_PER_UNIT = {
    "m": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "micron": 1e-6,
    "nm": 1e-9,
}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"

Header = Mapping[str, str]


def read_number(header: Header, keys: Sequence[str]) -> float:
    """Return the first number under the first key that has one; NaN where none has."""
    for key in keys:
        found = re.search(_NUMBER, header.get(key.lower(), ""))
        if found:
            return float(found[0])
    return float("nan")


def read_length(header: Header, keys: Sequence[str]) -> float:
    """Return a length [m] under the first key that has one, in metres where no unit stands; NaN
    where none has."""
    for key in keys:
        found = re.search(rf"({_NUMBER})\s*([a-zµ]*)", header.get(key, ""))
        if found and found[2] in ("", *METRES_PER_UNIT):
            return float(found[1]) * METRES_PER_UNIT.get(found[2], 1.0)
    return float("nan")


def read_wavelength(header: Header) -> tuple[float, float] | None:
    """Return wavelength and the standard deviation of its rounding [angstrom], None where the
    header is silent."""
    return bragg.wavelength_from_header(
        "\n".join(f"{key}: {value}" for key, value in header.items())
    )


def is_synthetic(header: Header) -> bool:
    """Return whether the header carries the word synthetic."""
    return any("synthetic" in value.lower() for value in header.values())


def read_time(header: Header, key: str, utc_offset: float) -> tuple[float, bool]:
    """Return when a frame was taken [s since 1970-01-01 UTC], NaN where unknown, and whether its
    zone is stated.

    Parameters
    ----------
    header : mapping
        Of an image, keys in lower case; ``frame_time`` and ``frame_in_file`` place a frame within
        its file.
    key : str
        Name of the header value; empty tries `TIME_KEYS`.
    utc_offset : float
        Hours that local time is ahead of UTC, for times written without a zone.
    """
    within = _zero_if_nan(read_number(header, ("frame_time",))) * (
        int(header.get("frame_in_file", "1")) - 1
    )
    texts = [header.get(name, "").strip() for name in ((key.lower(),) if key else TIME_KEYS)]
    comment = re.search(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.?\d*", header.get("_array_data.header_contents", "")
    )
    if comment and not key:
        texts.append(comment[0])
    for text in texts:
        if re.fullmatch(r"\d{9,10}(\.\d*)?", text):
            return float(text) + within, True
        when = _parsed(text)
        if when is not None:
            stated = when.tzinfo is not None
            if not stated:
                when = when.replace(tzinfo=UTC) - timedelta(hours=utc_offset)
            return when.timestamp() + within, stated
    return float("nan"), False


def _zero_if_nan(value: float) -> float:
    return value if value == value else 0.0


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
