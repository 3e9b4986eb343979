"""Readers of the suppliers' files: one package per source, plain Python, no Dagster, no database.

``registry`` says what a file is and reads it; everything else here serves it. Warehouse code, gates
and asset definitions do not belong here.
"""
