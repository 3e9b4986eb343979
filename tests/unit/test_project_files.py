"""The files a fresh clone installs from: lock files, pyproject, Makefile, Dagster templates."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
LOCKS = {
    "requirements.lock": [],
    "requirements-postgres.lock": ["postgres"],
    "requirements-dev.lock": list(EXTRAS),
}


def locked(name: str) -> dict[str, Version]:
    """Package name -> version of one lock file, markers and hashes left out."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", line)
        if match:
            found[canonicalize_name(match[1])] = Version(match[2])
    return found


@pytest.mark.parametrize(("name", "extras"), LOCKS.items())
def test_lock_satisfies_pyproject(name: str, extras: list[str]) -> None:
    versions = locked(name)
    wanted = list(PYPROJECT["project"]["dependencies"]) + PYPROJECT["dependency-groups"]["build"]
    for extra in extras:
        wanted += EXTRAS[extra]
    for text in wanted:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{name} lacks {requirement.name}: run make lock"
        assert requirement.specifier.contains(version), f"{name}: {requirement} against {version}"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)


def test_one_version_of_a_package_everywhere() -> None:
    widest = locked("requirements-dev.lock")
    for name in LOCKS:
        assert locked(name).items() <= widest.items()


def test_build_backend_is_locked() -> None:
    (backend,) = PYPROJECT["build-system"]["requires"]
    requirement = Requirement(backend)
    assert requirement.specifier.contains(locked("requirements.lock")[requirement.name])


def test_every_direct_dependency_is_bounded() -> None:
    for text in PYPROJECT["project"]["dependencies"]:
        assert Requirement(text).specifier, f"{text} has no pin"


def test_postgres_template_differs_only_in_storage() -> None:
    sqlite = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    postgres = yaml.safe_load((ROOT / "dagster.postgres.yaml").read_text(encoding="utf-8"))
    assert "sqlite" in sqlite.pop("storage")
    assert "postgres" in postgres.pop("storage")
    assert sqlite == postgres


# ----------------------------------------------------------------------------- make and its scripts


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile, its scripts and a program that prints what it was given."""
    folder = tmp_path / "a clone"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, folder / name)
    program = folder / ".venv" / "bin" / "plumbline"
    program.parent.mkdir(parents=True)
    program.write_text(
        '#!/bin/sh\nprintf "%s|" "$@"; echo "home=$PLUMBLINE_HOME"; exit ${WANTED:-0}\n'
    )
    program.chmod(0o755)
    (folder / "scripts" / "environment.sh").write_text("exit 0\n")
    return folder


def make(clone: Path, *arguments: str, cwd: Path | None = None, **environment: str):
    return subprocess.run(
        ["make", *arguments],
        cwd=cwd or clone,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PWD": str(cwd or clone), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_run_passes_paths_through(clone: Path) -> None:
    (clone / "my files").mkdir()
    done = make(clone, "run", "LANDING=my files", "HOME_DIR=out", "ARGS=--json")
    assert done.returncode == 0
    assert done.stdout == f"run|--landing|{clone}/my files|--json|home={clone}/out\n"


def test_make_run_without_landing_leaves_it_to_the_program(clone: Path) -> None:
    assert make(clone, "run").stdout == "run|home=\n"


def test_make_run_finds_a_path_relative_to_the_caller(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    done = make(clone, "-C", str(clone), "run", "LANDING=drop", cwd=tmp_path)
    assert f"|{tmp_path}/drop|" in done.stdout


@pytest.mark.parametrize("code", ["1", "2"])
def test_make_run_tells_the_exit_code_and_leaves_its_meaning_to_the_program(
    clone: Path, code: str
) -> None:
    done = make(clone, "run", WANTED=code)
    assert done.returncode == 2  # make's own code for any failed recipe
    assert f"ended with exit code {code}" in done.stderr
    assert "published" not in done.stderr


def test_environment_is_left_alone_when_nothing_changed(clone: Path) -> None:
    """With a stamp for this lock nothing is installed; with another lock it is tried."""
    shutil.copy(ROOT / "scripts" / "environment.sh", clone / "scripts" / "environment.sh")
    python = clone / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" >> calls.txt\n')
    python.chmod(0o755)

    def calls() -> list[str]:
        path = clone / "calls.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if "pip install" in line]

    assert make(clone, "install").returncode == 0
    first, second = calls()
    assert "--require-hashes" in first and "-r requirements.lock" in first
    assert "--no-build-isolation --no-deps -e ." in second

    assert make(clone, "install").returncode == 0
    assert calls() == []

    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert make(clone, "install").returncode == 0
    assert len(calls()) == 2


def test_an_install_leaves_nothing_running_where_term_is_ignored(clone: Path) -> None:
    """As for what was started in the background: it would hold the output open for ever."""
    shutil.copy(ROOT / "scripts" / "environment.sh", clone / "scripts" / "environment.sh")
    python = clone / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", "trap '' TERM; exec make install"],
        cwd=clone,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PWD": str(clone)},
        capture_output=True,
        timeout=15,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_missing_python_is_said_in_words(clone: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "scripts" / "environment.sh", clone / "scripts" / "environment.sh")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh", "dirname", "cat", "cksum", "grep", "date", "rm"):
        (tools / name).symlink_to(shutil.which(name) or name)
    other = tools / "python3"
    other.write_text("#!/bin/sh\necho 3.13\n")
    other.chmod(0o755)
    done = make(clone, "run", PATH=str(tools))
    assert done.returncode == 2
    assert "Python 3.11 with venv is needed" in done.stderr
    assert "python3=3.13" in done.stderr
