#!/bin/sh
# Makes the virtual environment $1 with the first Python 3.11 to 3.13 that runs here, and installs the project into it, with
# the versions in the file $2.
set -eu
venv=$1
constraints=$2
python=
for candidate in ${PYTHON:-} python3.12 python3.13 python3.11 python3 python; do
    # Ask the interpreter itself: a name on the PATH may be a shim that runs nothing.
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
    then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "error: expected Python 3.11, 3.12 or 3.13 with venv on the PATH, found none of them." \
        "Install one (on Debian: apt install python3 python3-venv), or name it: make setup PYTHON=/path/to/python" >&2
    exit 1
fi
echo "Setting up $venv with $("$python" --version); the first time takes a minute or two."
"$python" -m venv --clear "$venv"
# uv installs in a quarter of pip's time. It is taken from the PATH, or comes as a wheel; where neither is to be had, pip does it.
if uv=$(command -v uv) || {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --constraint "$constraints" uv &&
        uv=$venv/bin/uv
}; then
    "$uv" pip install --quiet --python "$venv/bin/python" --constraint "$constraints" --editable '.[dev]'
else
    # An old pip, as Debian's, builds packages without wheels in a way that it warns about itself.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$constraints" --editable '.[dev]'
fi
