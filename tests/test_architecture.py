"""What only a process can show of the architecture; `make lint` checks which part imports which (`pyproject.toml`)."""

import subprocess
import sys

from tests.conftest import REPOSITORY


def test_the_edge_does_not_import_tensorflow():
    modules = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in (REPOSITORY / "serving" / "edge").glob("*.py")
        if path.stem != "__init__"
    ]
    code = f"import sys, {', '.join(modules)}; print({{'tensorflow', 'keras', 'apache_beam'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
