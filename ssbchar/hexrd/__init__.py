"""In situ high-energy powder diffraction: images or patterns to cells, expansion and phase
stability."""
