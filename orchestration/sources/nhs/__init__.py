"""NHS hospital activity: published tabulations."""
