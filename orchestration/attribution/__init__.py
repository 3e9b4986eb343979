"""Why a recording check alerts: since when, what it is made of, what was known, what else moved.

Pure functions. Which rows there are and what is published belongs to the dbt models
``int_recording_attributions`` and ``mart_recording_anomalies``.
"""
