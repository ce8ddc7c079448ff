"""7Li solid-state NMR: Bruker raw data to Li-metal and Li-Si fractions."""
