"""How a step and a whole run are carried out: inputs by name, provenance, Snakemake, progress."""
