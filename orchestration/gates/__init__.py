"""The gate: is this load fit to enter?

``suites`` reads what ``expectations/`` declares, ``measures`` turns it into one SQL scan,
``dialect`` lets Great Expectations ask DuckDB, ``gate`` judges every load. Importing this package
costs nothing; Great Expectations (seconds) is imported when a gate first runs.

What does not belong here: rules about single rows (contracts), what a source's files look like
(sources), what happens to a load once it is judged (the loader).
"""
