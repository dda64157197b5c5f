"""Where Prism is: Beam's own portable runner, a Go program. A run looks for it on this machine and fetches nothing."""

from __future__ import annotations

import os
import shutil

from components.errors import InputError

#: The Go package of the program, in the version that was tried with Beam 2.77 for Python.
PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism@v2.75.0"


def find_prism() -> str:
    """The path of the program: where `go install` puts it (GOBIN, GOPATH/bin or ~/go/bin), or in the PATH.

    Raises:
        InputError: If it is in none of them.
    """
    gopath = os.environ.get("GOPATH", os.path.expanduser("~/go")).split(os.pathsep)
    folders = [os.environ.get("GOBIN", ""), *(os.path.join(folder, "bin") for folder in gopath)]
    path = shutil.which("prism", path=os.pathsep.join(filter(None, folders))) or shutil.which("prism")
    if path is None:
        raise InputError(
            "--runner PrismRunner takes the program prism, which is not on this machine. Make it once, with Go: "
            f"go install {PACKAGE}; or name one with --prism_location"
        )
    return path
