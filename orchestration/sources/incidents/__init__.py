"""Command and control: logs of reports to the force."""
