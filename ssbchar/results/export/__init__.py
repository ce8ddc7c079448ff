"""A finished run for other programs: a workbook, Athena, TOPAS, Origin."""
