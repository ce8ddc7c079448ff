"""Live at the beamline: what arrives in the folders of a config is taken as it comes, and shown on
a page of this machine."""
