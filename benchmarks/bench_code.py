"""The hardened preset's code, three ways to a cloud: hidden among drawn covers, under CKKS, and as it is.

    pip install tenseal
    python -m benchmarks.bench_code [--numbers 12] [--rows 192] [--answers 256] [--rounds 9]

One code of `--numbers` goes to a cloud whose map has `--answers` outputs, in one process, without a network:

- drawn covers: the code among `--rows` - 1 drawn ones (`serving.edge.drawn`), float16 both ways;
- CKKS (TenSEAL): encrypted, multiplied by the cloud's matrix, decrypted; degree 4096 and 100 bits of modulus, which
  the Homomorphic Encryption Standard gives 128 bits of security;
- as it is: the code in float16, the answers in float16.

All compute the same linear map, so that the ratios are of what protects, not of the network; drawn covers may pass
through a network that is not linear, CKKS as set up here may not. One JSON line each for time (client and cloud, ratios
in turns) and for bytes; the CKKS line has the largest error, too. What each protects: docs/results/audit.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json

import numpy as np

from benchmarks.figures import in_turns, short, show
from serving.edge.drawn import DrawnGroup

DEGREE, MODULUS_BITS, SCALE_BITS = 4096, [40, 20, 40], 20
COVERS, CKKS, PLAIN = "drawn covers", "CKKS, linear cloud", "as it is"


class Encrypted:
    """A client with the secret key and a cloud without it.

    Args:
        matrix: The cloud's map, `[numbers, answers]`.

    Attributes:
        key_bytes: What the cloud needs once: public and Galois keys.
        bytes_up, bytes_down: Of the last query.
    """

    def __init__(self, matrix: np.ndarray):
        import tenseal

        self._tenseal, self._matrix = tenseal, matrix.tolist()
        self._context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=MODULUS_BITS)
        self._context.global_scale = 2**SCALE_BITS
        self._context.generate_galois_keys()
        keys = self._context.serialize(save_secret_key=False)
        self._cloud, self.key_bytes = tenseal.context_from(keys), len(keys)
        self.bytes_up = self.bytes_down = 0

    def query(self, code: np.ndarray) -> np.ndarray:
        """The answers, float64 `[answers]`, to a code `[numbers]`."""
        up = self._tenseal.ckks_vector(self._context, code.tolist()).serialize()
        down = self._tenseal.ckks_vector_from(self._cloud, up).mm(self._matrix).serialize()
        self.bytes_up, self.bytes_down = len(up), len(down)
        return np.array(self._tenseal.ckks_vector_from(self._context, down).decrypt())


def hidden(code: np.ndarray, matrix: np.ndarray, rows: int) -> np.ndarray:
    """The answers, float32 `[answers]`, to a code among drawn covers."""
    group = DrawnGroup(rows, 1)
    mixtures = group.mix(code[None]).astype(np.float16).astype(np.float32)
    return group.demix((mixtures @ matrix).astype(np.float16).astype(np.float32))[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, default=12, help="numbers of the code")
    parser.add_argument("--rows", type=int, default=192, help="rows of a group with drawn covers")
    parser.add_argument("--answers", type=int, default=256, help="outputs of the cloud's map")
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    matrix = random.normal(size=(arguments.numbers, arguments.answers)).astype(np.float32) / arguments.numbers**0.5
    code = random.normal(size=arguments.numbers).astype(np.float32)
    ways = {
        COVERS: lambda: hidden(code, matrix, arguments.rows),
        PLAIN: lambda: (code.astype(np.float16).astype(np.float32) @ matrix).astype(np.float16),
    }
    sent = {
        COVERS: (2 * arguments.rows * arguments.numbers, 2 * arguments.rows * arguments.answers),
        PLAIN: (2 * arguments.numbers, 2 * arguments.answers),
    }
    errors = {name: float(np.abs(way() - code @ matrix).max()) for name, way in ways.items()}
    details = {}
    if importlib.util.find_spec("tenseal"):
        encrypted = Encrypted(matrix)
        ways[CKKS] = lambda: encrypted.query(code)
        errors[CKKS] = float(np.abs(encrypted.query(code) - code @ matrix).max())
        sent[CKKS] = encrypted.bytes_up, encrypted.bytes_down
        details = {"key_bytes": encrypted.key_bytes, "security_bits": 128}
    else:
        print(json.dumps({"benchmark": CKKS, "skipped": "tenseal is not installed; pip install tenseal"}))
    times = in_turns(ways, arguments.rounds)
    setting = {name: getattr(arguments, name) for name in ("numbers", "rows", "answers")}
    for name in ways:
        up, down = sent[name]
        told = {"bytes_up": up, "bytes_down": down, "largest_error": short(errors[name]), **setting}
        told |= details if name == CKKS else {}
        milliseconds = short(1000 * float(np.median(times[name])))
        show(f"{name} / {COVERS}, time", times[name] / times[COVERS], milliseconds=milliseconds, **told)
        show(f"{name} / {COVERS}, bytes up", [up / sent[COVERS][0]], **setting)


if __name__ == "__main__":
    main()
