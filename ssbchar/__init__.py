"""ssbchar: solid-state-battery characterization, from raw HEXRD, XAS and 7Li NMR files to a
report."""

__version__ = "0.1.0"
