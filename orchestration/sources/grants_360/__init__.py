"""Grant awards in the 360Giving data standard."""
