"""Synthetic 7Li NMR: echoes, the pressed powders, and the Bruker folders that hold them."""
