"""data.police.uk: street-level crime, outcomes, stop and search."""
