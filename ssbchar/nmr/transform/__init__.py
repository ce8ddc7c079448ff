"""From decay to spectrum: Fourier transform, baseline, chemical-shift axis."""
