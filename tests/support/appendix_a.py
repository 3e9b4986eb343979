"""The grant table of the published board paper, at the end of October 2021."""

#: Appendix A: project, funding, original, further bid, spent to October, foreseen from November.
APPENDIX_A = [
    ("BASS Training", "grant", 86_000, 0, 45_600, 34_200),
    ("Guardian Taskforce", "grant", 1_114_600, 0, 564_930, 341_133),
    ("NPU Suppression / Grip", "grant", 1_290_000, 200_000, 730_027, 1_012_301),
    ("NTE", "grant", 10_000, 100_000, 0, 149_900),
    ("Operation Spectre", "grant", 30_000, 0, 10_000, 15_000),
    ("Comms Campaign", "grant", 50_000, 0, 6_993, 43_007),
    ("Investigation", "grant", 90_000, 199_800, 27_250, 262_550),
    ("Problem Solving Training", "grant", 20_000, 0, 0, 20_000),
    ("Analytic Activity", "grant", 249_400, 0, 77_374, 99_535),
    ("Project Team", "match", 185_800, 0, 132_631, 128_783),
    ("Guardian Taskforce", "match", 402_200, 0, 182_654, 314_727),
]
