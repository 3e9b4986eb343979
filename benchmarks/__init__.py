"""What Plumbline costs, as ratios against named baselines measured side by side in one run.

``make bench`` (``python -m benchmarks``) prints them with their targets. Seconds depend on the
machine and on what else it does; ratios of two things done in turn hardly do, so targets are set on
ratios, on memory and on what is right or wrong, never on seconds, and no test asserts a time.

``measure`` holds the arithmetic, ``generate`` the street files that stand in where no real ones
are at hand, ``inputs`` what is measured on, ``phases`` where the time of a load goes, ``cases`` the
measurements of open data (1 to 5), ``force`` those of a force's own records (6 to 8), ``detectors``
those of the detectors (9 to 12), ``defects`` what became of the simulator's defects, ``report``
how they are shown.

What does not belong here: tests, and anything the product itself runs.
"""
