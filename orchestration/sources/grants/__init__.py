"""The force's grant management: budget, ledger, conditions."""
