"""Synthetic diffraction: crystals, powder patterns, a furnace programme, detector images."""
