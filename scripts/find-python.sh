#!/bin/sh
# Print the path of a Python that can carry this project: at least 3.12, able to make environments.
#
# A name on PATH proves nothing (pyenv leaves a shim for every version it ever had), so every
# candidate is run. 3.13 comes first because it is what the tests run with, then newer, then 3.12.
# PYTHON=/path/to/python overrides the search. Exit code 2 when there is none.

works='
import sys
try:
    import ensurepip, venv
except ImportError:
    sys.exit(1)
if sys.version_info < (3, 12):
    sys.exit(1)
print(getattr(sys, "_base_executable", sys.executable))
'

probe() {
    "$1" -I -c "$works" 2>/dev/null </dev/null
}

on_path() { # every file of that name on PATH, not the first alone: the first may be a dead shim
    old_ifs=$IFS
    IFS=:
    for folder in $PATH; do
        if [ -x "${folder:-.}/$1" ]; then printf '%s\n' "${folder:-.}/$1"; fi
    done
    IFS=$old_ifs
}

try() { # the first of the lines of standard input that works
    while IFS= read -r candidate; do
        if found=$(probe "$candidate"); then
            printf '%s\n' "$found"
            return 0
        fi
    done
    return 1
}

from_pyenv() { # versions that are installed without being active in this folder
    root=${PYENV_ROOT:-$HOME/.pyenv}
    for version in 3.13 3.14 3.12; do
        ls -d "$root/versions/$version".*/bin/python 2>/dev/null | sort -rV
    done
}

from_uv() {
    if command -v uv >/dev/null 2>&1; then
        uv python find --no-project '>=3.12' 2>/dev/null
    fi
}

if [ -n "${PYTHON:-}" ]; then
    command=$(command -v "$PYTHON") || command=$PYTHON
    probe "$command" && exit 0
    {
        echo "PYTHON=$PYTHON cannot be used."
        echo "  why: it does not run, is older than 3.12, or lacks the modules venv and ensurepip"
        echo "  fix: name another, or leave PYTHON out to let one be found"
    } >&2
    exit 2
fi

{
    for name in python3.13 python3.14 python3.12 python3 python; do on_path "$name"; done
    from_uv
    from_pyenv
} | try && exit 0

cat >&2 <<'MESSAGE'
No Python 3.12 or newer was found.
  looked at: python3.13, python3.14, python3.12, python3, python on PATH; uv; pyenv
  fix, whichever suits this machine:
    uv python install 3.13
    pyenv install 3.13
    sudo apt install python3 python3-venv     (Debian 13, Ubuntu 24.04 or newer)
    brew install python@3.13                  (macOS)
  or, if there is one elsewhere: make PYTHON=/path/to/python3 ...
MESSAGE
exit 2
