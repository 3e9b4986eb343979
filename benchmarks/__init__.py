"""What Plumbline costs, as ratios against named baselines measured side by side in one run.

``make bench`` (``python -m benchmarks``) prints them with their targets. Seconds depend on the
machine and on what else it does; ratios of two things done in turn hardly do, so targets are set on
ratios only, and no test asserts a time.

``measure`` holds the arithmetic, ``generate`` the street files that stand in where no real ones
are at hand, ``inputs`` what is measured on, ``phases`` where the time of a load goes, ``cases`` the
five measurements, ``report`` how they are shown.

What does not belong here: tests, and anything the product itself runs.
"""
