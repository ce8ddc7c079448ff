"""Options of the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What the page shows."""

    title: str = "Solid-state battery characterization"
    """Heading of the page."""
