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
# uv installs in a fraction of pip's time: the one on the PATH, or a wheel. It reads no pip.conf and no certificates but the
# system's; where it cannot, pip does all.
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
with_uv() {
    uv=$(command -v uv) || { pip --only-binary :all: --constraint "$constraints" uv && uv=$venv/bin/uv; } &&
        UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 "$uv" pip install --quiet --python "$venv/bin/python" "$@"
}
with_uv --constraint "$constraints" --editable '.[dev]' 2>"$venv/uv.log" || {
    # An old pip, as Debian's, builds packages without wheels in a way that it warns about itself.
    pip --upgrade pip
    pip --constraint "$constraints" --editable '.[dev]'
}
