"""``python -m benchmarks``: measure, print, write ``bench.json`` under ``PLUMBLINE_HOME``.

Exit code 0 also where a target is missed (the report says so); 1 where a case could not be
measured; 2 for a wrong option.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import inputs, report
from benchmarks.measure import Result
from orchestration.progress import Lines
from orchestration.settings import load_settings
from orchestration.versions import code_version


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Ratios of Plumbline against named baselines, measured side by side.",
    )
    parser.add_argument("--landing", type=Path, help="folder with the published street files")
    parser.add_argument(
        "--generated", action="store_true", help="use generated files although real ones are there"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a reduced set without case 3, in two to three minutes; too small to judge targets on",
    )
    parser.add_argument(
        "--whole-run",
        action="store_true",
        help="case 5 also builds and publishes what it loaded (some minutes more)",
    )
    parser.add_argument("--only", metavar="1,3", help="these cases only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the report")
    options = parser.parse_args(arguments)

    from benchmarks import cases, detectors, force, recording_effect
    from benchmarks.cases import NotMeasured

    all_cases = {**cases.CASES, **force.CASES, **detectors.CASES, **recording_effect.CASES}
    wanted = [n for n in all_cases if not (options.quick and n in inputs.SLOW_CASES)]
    if options.only:
        try:
            wanted = sorted({int(n) for n in options.only.split(",")})
        except ValueError:
            wanted = [0]
        if not set(wanted) <= set(all_cases):
            parser.error(f"--only takes numbers from 1 to {len(all_cases)}, such as 1,3")
    landing = options.landing
    if landing is None and (given := os.environ.get("PLUMBLINE_LANDING")):
        landing = Path(given)
    if landing is not None and not landing.is_dir():
        parser.error(f"--landing: {landing} is not a folder")
    if landing is None:
        landing = inputs.default_landing()
    if options.generated:
        landing = None

    home = load_settings().home
    home.mkdir(parents=True, exist_ok=True)
    progress = Lines()
    size = inputs.QUICK if options.quick else inputs.FULL
    size = dataclasses.replace(size, is_whole_run=options.whole_run)
    started = time.time()
    results: list[Result] = []
    failed = False
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-") as folder:
        given = inputs.Inputs(
            Path(folder), size, progress, landing.absolute() if landing is not None else None
        )
        for number in wanted:
            before = time.perf_counter()
            try:
                results += all_cases[number](given)
            except NotMeasured as problem:
                failed = True
                name = all_cases[number].__name__.replace("_", " ")
                results.append(Result(number, name, None, problem=str(problem)))
            progress.line(f"{number}: took {time.perf_counter() - before:.0f} s")
        described = given.described
    if options.quick:
        for r in results:
            r.target = None  # set for files of the full size
    failed = failed or any(r.problem for r in results)
    data = {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 1),
        "quick": options.quick,
        "code_version": code_version(),
        "machine": {
            "processors": os.cpu_count(),
            "load_average_at_end": os.getloadavg()[0],
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "measured_on": described,
        "results": [r.as_json() for r in results],
    }
    target = home / "bench.json"
    target.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(data, indent=2))
    else:
        print(report.render(results, described))
        print(f"{data['seconds']:.0f} s in all; written to {target}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
