#!/bin/sh
# Makes ./.venv equal to a lock file, then installs the project into it.
#
#   sh scripts/environment.sh runtime|postgres|dev
#
# Does nothing, quickly, when .venv already holds that lock. The stamp of an install is written
# last, so an interrupted install is simply done again. No index address is set here: pip uses
# whatever the machine is configured with.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-runtime}
case $kind in
  runtime) lock=requirements.lock; covers=runtime ;;
  postgres) lock=requirements-postgres.lock; covers="runtime postgres" ;;
  dev) lock=requirements-dev.lock; covers="runtime postgres dev" ;;
  *) echo "environment.sh: unknown kind '$kind' (runtime, postgres or dev)" >&2; exit 1 ;;
esac

say() { printf 'plumbline: %s\n' "$*" >&2; }
here=$(pwd -P)
venv=.venv

# What an install depends on: its lock, the project's metadata and the folder (a moved checkout
# breaks the program scripts of a virtual environment).
fingerprint() { # LOCK
  { printf '%s\n' "$here"; cat "$1" pyproject.toml; } | cksum
}
lock_of() { case $1 in runtime) echo requirements.lock ;; *) echo "requirements-$1.lock" ;; esac; }

if [ -x "$venv/bin/python" ] && [ -f "$venv/.installed-$kind" ] &&
  [ "$(cat "$venv/.installed-$kind")" = "$(fingerprint "$lock")" ]; then
  exit 0
fi

if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  python=
  seen=
  # PYTHON=/path/to/python3.11 may name one; otherwise the first on the path that is 3.11.
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if [ "$version" != 3.11 ]; then
      seen="$seen $candidate=$version"
    elif ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
      seen="$seen $candidate=3.11-without-venv"
    else
      python=$candidate
      break
    fi
  done
  if [ -z "$python" ]; then
    say "Python 3.11 with venv is needed and was not found (looked for python3.11, python3, python;"
    say "found:${seen:- none}). Install it (on Debian or Ubuntu: python3.11 and python3.11-venv)"
    say "or name one: make run PYTHON=/path/to/python3.11"
    exit 1
  fi
  say "making a virtual environment in $venv with $($python --version 2>&1)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

rm -f "$venv"/.installed-*
packages=$(grep -c '^[A-Za-z0-9].*==' "$lock")
started=$(date +%s)
say "installing $packages packages from $lock (first time: a few minutes at most)"
# A line now and then, so that a slow download does not look like a hang. It ends with this script:
# by KILL, since TERM may be ignored here (inherited from who started it), or by itself.
{ while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do say "still installing ($(($(date +%s) - started)) s)"; done; } &
ticker=$!
trap 'kill -KILL $ticker 2>/dev/null' EXIT
# --only-binary: building from source would fetch build tools that no lock covers.
if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
  --require-hashes --only-binary :all: -r "$lock"; then
  say "the packages could not be installed; see pip's message above. Nothing else was changed."
  exit 1
fi
say "installing plumbline itself"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
  --no-build-isolation --no-deps -e .

for each in $covers; do
  fingerprint "$(lock_of "$each")" >"$venv/.installed-$each"
done
say "installed in $(($(date +%s) - started)) s"
