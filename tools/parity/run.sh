#!/bin/sh
# Builds the reference environment $1 apart if it is not there, writes the golden values, and compares ours with them.
set -eu
venv=$1 python=$2
if [ ! -e "$venv/.ready" ]; then
    command -v python3.11 >/dev/null && python3.11 -c 'import venv' 2>/dev/null || {
        echo "error: make parity needs Python 3.11, the last for which tensorflow-addons has wheels; found none." >&2
        exit 1
    }
    echo "Setting up $venv (2 GB, some minutes)."
    python3.11 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tools/parity/requirements.txt
    touch "$venv/.ready"
fi
"$venv/bin/python" -W ignore tools/parity/reference.py tests/data/.tmp-parity.npz
mv tests/data/.tmp-parity.npz tests/data/parity.npz
"$python" -m tools.parity.compare tests/data/parity.npz
