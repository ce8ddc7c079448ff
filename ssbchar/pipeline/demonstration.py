"""The demonstration in a folder of one's own: its config, its sheet and its made raw files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ssbchar.errors import BadInput
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.simulate import demo
from ssbchar.storage import atomic_write


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """One of the demonstrations that come with the program."""

    files: tuple[str, ...]
    """Config and sample sheet, as they lie in the repository and in the folder; config first."""
    raw: Path
    """Folder of the made raw files, as the sheet names it."""
    is_small: bool
    """Fewer frames and repeats."""


FIRST = Demonstration(
    files=("config/minimal/first.yaml", "config/minimal/first.tsv"),
    raw=Path("data_raw/minimal"),
    is_small=True,
)
"""Each technique once."""
SMALL = Demonstration(
    files=("config/minimal/config.yaml", "config/minimal/samples.tsv"),
    raw=Path("data_raw/minimal"),
    is_small=True,
)
"""All measurements with fewer frames and repeats."""
WHOLE = Demonstration(
    files=("config/config.yaml", "config/samples.tsv"), raw=Path("data_raw/demo"), is_small=False
)
SIZES = {"first": FIRST, "small": SMALL, "whole": WHOLE}
"""By the word that asks for it."""


def prepare_demonstration(wanted: Demonstration) -> str:
    """Write config, sheet and raw files of a demonstration into the working folder, as far as they
    are not there; return the path of its config.

    Parameters
    ----------
    wanted : Demonstration

    Raises
    ------
    BadInput
        A file of another content has the name of one of the demonstration's.
    """
    texts = {Path(name): find_shipped(name).read_text(encoding="utf-8") for name in wanted.files}
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
            raise BadInput(path, "is there already and not the demonstration's", "use a new folder")
    for path, text in texts.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write.replace_atomically(path) as part:
                part.write_text(text, encoding="utf-8")
    # Written after the raw files: where it is missing, they may be cut short.
    if not (wanted.raw / "truth.json").is_file():
        demo.write_demo(wanted.raw, small=wanted.is_small)
    return wanted.files[0]
