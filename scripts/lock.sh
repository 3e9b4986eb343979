#!/bin/sh
# Makes the lock files from pyproject.toml: exact versions and hashes, no addresses of any index
# (the machine that installs decides where packages come from). Needs uv on the path, or UV=/path.
#
#   sh scripts/lock.sh            keep the locked versions that still satisfy pyproject.toml
#   UPGRADE=1 sh scripts/lock.sh  take the newest versions that pyproject.toml allows
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
command -v "$uv" >/dev/null 2>&1 || {
  echo "plumbline: make lock needs uv (pip install uv), or UV=/path/to/uv" >&2
  exit 1
}

compile() { # OUTPUT, more options...
  output=$1
  shift
  echo "plumbline: locking $output" >&2
  UV_CUSTOM_COMPILE_COMMAND="make lock" "$uv" pip compile --quiet --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-strip-extras \
    ${UPGRADE:+--upgrade} --group build pyproject.toml --output-file "$output" "$@"
}

# --no-strip-extras (above): without it pip refuses, in hash mode, a package that is also asked for
# with an extra. The widest set first; the others are held to it, so that a package has one version everywhere.
compile requirements-dev.lock --all-extras
UPGRADE=
compile requirements.lock --constraints requirements-dev.lock
compile requirements-postgres.lock --extra postgres --constraints requirements-dev.lock

if grep -nE '://|--(extra-)?index-url|--find-links' requirements*.lock; then
  echo "plumbline: a lock file holds an address (above); none may" >&2
  exit 1
fi
