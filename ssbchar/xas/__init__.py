"""X-ray absorption: raw scans to a verdict on whether the structure is retained."""
