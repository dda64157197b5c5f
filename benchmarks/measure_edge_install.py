"""The edge without TensorFlow: size, import time, cold start and steady state.

    python -m benchmarks.measure_edge_install RUN_DIR

Makes a fresh virtual environment, installs `.[edge]` into it with pip, and queries the embedded server on RUN_DIR from
there.
Prints one JSON line: megabytes on disk, packages, seconds to import the client, to load the bundle and to answer the
first query (one group), and the median of the queries after it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile

from benchmarks.edge_environment import edge_environment
from benchmarks.serving_process import server_process

CLIENT = """
import json, sys, time
started = time.perf_counter()
from serving.edge.client import EdgeClient
import numpy as np
imported = time.perf_counter()
client = EdgeClient(sys.argv[1], sys.argv[2], quiet=True)
loaded = time.perf_counter()
x = np.random.default_rng(0).uniform(0, 255, (client.manifest.group_size, *client.manifest.input_shape))
client.predict(x)
first = time.perf_counter()
times = []
for _ in range(50):
    begun = time.perf_counter()
    client.predict(x)
    times.append(time.perf_counter() - begun)
roots = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({
    "import_s": round(imported - started, 3), "load_bundle_s": round(loaded - imported, 3),
    "first_query_s": round(first - loaded, 3), "steady_query_ms": round(1000 * sorted(times)[25], 2),
    "tensorflow_imported": "tensorflow" in roots or "keras" in roots,
}))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN_DIR", help="output folder of python -m pipeline.run")
    run = os.path.abspath(parser.parse_args().run)
    with tempfile.TemporaryDirectory() as folder:
        environment = edge_environment(folder)
        with server_process(os.path.join(run, "serving")) as (_, url, _):
            # Outside of the repository, so that the installed package is what is imported.
            done = subprocess.run(
                [environment.python, "-c", CLIENT, os.path.join(run, "edge"), url],
                check=True,
                capture_output=True,
                text=True,
                cwd=folder,
            )
        print(
            json.dumps(
                {
                    "benchmark": "edge environment",
                    "megabytes": environment.megabytes,
                    "packages": environment.packages,
                    **json.loads(done.stdout.splitlines()[-1]),
                }
            )
        )


if __name__ == "__main__":
    main()
