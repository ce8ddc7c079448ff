"""What any step may need while it runs: options, progress, processes, timing."""
