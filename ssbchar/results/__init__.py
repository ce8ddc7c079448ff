"""Results: techniques combined, figures drawn, the report written."""
