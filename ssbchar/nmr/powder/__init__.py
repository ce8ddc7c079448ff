"""Spin 3/2 in a powder: satellites, anisotropic shift, static or spinning."""
