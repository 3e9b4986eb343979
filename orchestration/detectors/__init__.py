"""Detectors of what is unusual in series of counts and ratios: numpy and scipy only.

Belongs here: functions from arrays (time by series) to bounds, scores, p-values and alarms, each
with the source of its method, and the stated rule that chooses among them. Does not belong here:
reading or writing anything, which series there are, thresholds of one force, wording for readers,
and the family of tests of one run (``orchestration.statistics.multiplicity``).
"""
