"""Home Office police recorded crime and outcomes open data tables."""
