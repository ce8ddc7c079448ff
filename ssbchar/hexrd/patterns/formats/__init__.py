"""Pattern formats: one module per format, each with one ``extract``; they parse and never
correct."""
