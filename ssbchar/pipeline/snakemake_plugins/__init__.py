"""The folder that ``ssbchar run`` puts on Snakemake's path, so that it finds the logger plugin."""
