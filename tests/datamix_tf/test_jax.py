"""README's five lines on Keras's JAX backend: the library's models train there, the pipeline does not."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

BEFORE = """
import numpy as np
random = np.random.default_rng(0)
x, y = random.normal(size=(64, 96, 96, 3)).astype("float32"), random.integers(0, 10, 64)
"""
AFTER = """
loss = private.history.history["loss"]
assert np.isfinite(loss).all()
print("trained on", keras.backend.backend())
"""


@pytest.mark.slow
def test_readme_s_five_lines_train_on_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.S)
    (lines,) = (block for block in blocks if "DataMixModel(pre, main, post" in block)
    run = subprocess.run(
        [sys.executable, "-c", BEFORE + lines + AFTER],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert run.returncode == 0 and run.stdout.endswith("trained on jax\n"), run.stdout + run.stderr[-3000:]
