"""Plumbline's Dagster code location and everything it calls.

Nothing is imported here: importing ``orchestration`` must stay free of cost, so that the console
program can answer in a fraction of a second.
"""
