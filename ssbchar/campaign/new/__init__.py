"""A campaign from a folder of raw files: what they are, by the project's own readers, as a config
and a sample sheet with the open questions in them."""
