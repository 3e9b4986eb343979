"""Office for National Statistics: lookups, populations, police force area tables."""
