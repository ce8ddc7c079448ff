"""Synthetic X-ray absorption: edges with their EXAFS, and the scans a beamline records of them."""
