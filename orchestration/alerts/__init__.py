"""The alert book: what the recording checks found, as alerts with a life, and news of it.

``findings`` is the contract of what comes in, ``book`` folds it into alerts, ``news`` says what
of it was not told yet, ``deliver`` tells it by the configured routes, ``store`` keeps all of it in
the ledger. The first three are pure. Which checks there are, and their thresholds, belongs to the
models.
"""
