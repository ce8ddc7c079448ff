"""Formats of raw scan files: each parsed to named columns, nothing computed or corrected."""
