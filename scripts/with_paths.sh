#!/bin/sh
# Starts a program of the installed environment with LANDING and HOME_DIR turned into absolute
# paths and given to it.
#
#   sh scripts/with_paths.sh run [plumbline options]    plumbline run
#   sh scripts/with_paths.sh --ui                       dagster dev (HOST, PORT)
#   sh scripts/with_paths.sh --python ...               the environment's Python
#
# Relative paths count from the project folder; where no such path exists there, from the folder
# make was called in (they differ under `make -C`).
set -eu
cd "$(dirname "$0")/.."
bin=$(pwd -P)/.venv/bin

absolute() { # PATH
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *)
      if [ ! -e "$1" ] && [ -n "${CALLED_FROM:-}" ] && [ -e "$CALLED_FROM/$1" ]; then
        printf '%s/%s\n' "$CALLED_FROM" "$1"
      else
        printf '%s/%s\n' "$(pwd -P)" "$1"
      fi
      ;;
  esac
}

if [ -n "${HOME_DIR:-}" ]; then
  PLUMBLINE_HOME=$(absolute "$HOME_DIR")
  export PLUMBLINE_HOME
fi
if [ -n "${LANDING:-}" ]; then
  PLUMBLINE_LANDING=$(absolute "$LANDING")
  export PLUMBLINE_LANDING
fi

case ${1:-} in
  --ui)
    DAGSTER_HOME=$("$bin/python" -m orchestration.instance)
    export DAGSTER_HOME
    echo "plumbline: the Dagster UI will be at http://${HOST:-127.0.0.1}:${PORT:-3000} (Ctrl-C stops it); storage in $DAGSTER_HOME" >&2
    PATH=$bin:$PATH
    export PATH
    exec "$bin/dagster" dev -h "${HOST:-127.0.0.1}" -p "${PORT:-3000}"
    ;;
  --python)
    shift
    exec "$bin/python" "$@"
    ;;
esac

code=0
if [ -n "${LANDING:-}" ]; then
  command=$1
  shift
  "$bin/plumbline" "$command" --landing "$PLUMBLINE_LANDING" "$@" || code=$?
else
  "$bin/plumbline" "$@" || code=$?
fi
# What the code means was said by the program; make shows 2 for any of them.
[ "$code" = 0 ] || echo "plumbline: ended with exit code $code (what make says below is make's own)" >&2
exit $code
