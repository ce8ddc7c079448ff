"""Options of the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What the page shows."""

    title: str = "Solid-state battery characterization"
    """Heading of the page."""
    svg_limit: int = 150
    """Largest vector figure [kB]; a heavier one is shown as its PNG where that is smaller."""
    size_limit: float = 25.0
    """Size of all figures together [MB]; beyond it figures are reduced, and the last ones of each
    measurement stay in their files."""
