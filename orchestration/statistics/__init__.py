"""Estimators and their intervals: numpy and scipy only.

Belongs here: functions from numbers to numbers, vectorised, each with the source of its method.
Does not belong here: reading or writing anything, configuration, wording for readers, and
detectors that raise alerts.
"""
