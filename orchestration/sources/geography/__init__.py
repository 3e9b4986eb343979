"""A force's own geography: beats of every system in LSOAs."""
