"""Making results available to readers: releases, and what is built from a release.

Belongs here: building an immutable release of the marts, the atomic link to the current one,
rollback and pruning. Does not belong here: computing the marts (dbt), deciding whether they may be
published (gates and dbt tests), and the run ledger.
"""
