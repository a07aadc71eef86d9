#!/bin/sh
# Make or refresh the environment in .venv: one set-up for the demo, the tests and the checkers.
#
# What was installed is remembered by content (.venv/installed), so nothing is done until
# pyproject.toml or constraints.txt changes or the folder moves. .venv/unfinished stands while an
# installation goes on: one that was cut short is thrown away, never taken for finished.
# With PYTHON=... given, an environment made with another Python is made anew.

set -e
cd "$(dirname "$0")/.."

wanted=$({
    pwd
    cat pyproject.toml constraints.txt thermalize/version.py scripts/environment.sh
} | cksum)
made_with=$(cat .venv/made-with 2>/dev/null || true)

usable() {
    .venv/bin/python -I -c 'import pip, sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then python=$(sh scripts/find-python.sh); else python=$made_with; fi
if [ -e .venv ] && [ ! -e .venv/unfinished ] && [ "$python" = "$made_with" ] && usable; then
    if [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ]; then exit 0; fi
else
    if [ -e .venv ] && [ -z "$made_with" ]; then
        echo "the folder .venv is in the way: it was not made by make, or not finished" >&2
        echo "  fix: move it away, or delete it with \`make clean\`" >&2
        exit 2
    fi
    python=$(sh scripts/find-python.sh)
    rm -rf .venv
    mkdir .venv
    printf '%s\n' "$python" >.venv/made-with
    touch .venv/unfinished
    "$python" -m venv .venv
fi

touch .venv/unfinished
rm -f .venv/installed
echo "Installing into .venv with $(.venv/bin/python --version), once: some minutes on a slow line" >&2
.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    --editable '.[test]' --constraint constraints.txt
printf '%s\n' "$wanted" >.venv/installed
rm .venv/unfinished
