"""Forward models that write raw files in vendor formats with known truth; they import no fitter."""
