"""The small network under homomorphic encryption (CKKS) with TenSEAL: a client with the key, and a server without it.

`python -m benchmarks.ckks SIZE --port PORT --weights WEIGHTS.npz` is the server. `POST /keys` takes the context without
the secret key, once; `POST /query` takes the encrypted windows of a picture and answers with the encrypted logits.
Without `--weights` it is the client, which reads pictures in base64, a line of JSON each, from its standard input. It
is a process of its own: beside TensorFlow 2.21, TenSEAL 0.3.18 fails or crashes when it writes its keys.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import http.server
import json
import time

import numpy as np

from benchmarks.line_process import LineProcess, lines, say
from benchmarks.private_network import MAPS, window
from benchmarks.serving_process import free_port

DEGREE, EDGE_BITS, LEVEL_BITS, LEVELS = 8192, 31, 26, 6
MODULUS_BITS = [EDGE_BITS] + LEVELS * [LEVEL_BITS] + [EDGE_BITS]
#: TenSEAL's tutorial. 218 bits are the most that the Homomorphic Encryption Standard allows for 128-bit security at
#: degree 8192 (ternary secrets, classical attacks).
PARAMETERS = {
    "poly_modulus_degree": DEGREE,
    "coeff_mod_bit_sizes": MODULUS_BITS,
    "modulus_bits": sum(MODULUS_BITS),
    "scale_bits": LEVEL_BITS,
    "security_bits": 128,
}


class Ckks:
    """Queries through the client's process.

    Args:
        client: The process.

    Attributes:
        bytes_up: Bytes of HTTP bodies of queries sent so far.
        bytes_down: Bytes of HTTP bodies of answers so far.
        key_bytes: Bytes of the context that was sent once: public, relinearisation and Galois keys.
        key_seconds: Seconds to make, serialise and send it.
    """

    def __init__(self, client: LineProcess):
        self._client = client
        keys = client.read()
        self.key_bytes, self.key_seconds = keys["bytes"], keys["seconds"]
        self.bytes_up = self.bytes_down = 0

    def query(self, picture: np.ndarray) -> np.ndarray:
        """Logits, float64 `[classes]`, of one uint8 picture."""
        self._client.write(base64.b64encode(picture.tobytes()).decode())
        answer = self._client.read()
        self.bytes_up += answer["up"]
        self.bytes_down += answer["down"]
        return np.array(answer["logits"])


@contextlib.contextmanager
def started(weights: str, size: int, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()):
    """A server and a client whose keys it has, each in a process of its own; yields a `Ckks`.

    Args:
        weights: File of `private_network.weights_of`.
        size: Rows and columns of pictures.
        host: The server's address.
        prefix: Command words that start the server's process where it belongs.
    """
    where = (str(size), "--host", host, "--port", str(free_port()))
    with contextlib.ExitStack() as stack:
        server = LineProcess("benchmarks.ckks", *where, "--weights", weights, prefix=prefix)
        stack.callback(server.close)
        server.read()
        client = LineProcess("benchmarks.ckks", *where)
        stack.callback(client.close)
        yield Ckks(client)


class Client:
    """Makes keys, sends the public ones, encrypts, asks and decrypts.

    Args:
        host: The server's address.
        port: Its port.
        size: Rows and columns of pictures.
    """

    def __init__(self, host: str, port: int, size: int):
        import tenseal

        self._size = size
        self._connection = http.client.HTTPConnection(host, port, timeout=600)
        self._context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=MODULUS_BITS)
        self._context.global_scale = 2**LEVEL_BITS
        self._context.generate_galois_keys()

    def send_keys(self) -> int:
        """Sends all but the secret key; returns the bytes."""
        keys = self._context.serialize(save_secret_key=False)
        self._post("/keys", keys)
        return len(keys)

    def query(self, picture: bytes) -> dict:
        """`logits`, and the bytes of the message `up` and of its answer `down`."""
        import tenseal

        kernel, stride = window(self._size)
        pixels = np.frombuffer(picture, np.uint8).reshape(self._size, self._size) / 255.0
        encrypted, _ = tenseal.im2col_encoding(self._context, pixels.tolist(), kernel, kernel, stride)
        body = encrypted.serialize()
        answer = self._post("/query", body)
        logits = tenseal.ckks_vector_from(self._context, answer).decrypt()
        return {"logits": logits, "up": len(body), "down": len(answer)}

    def _post(self, path, body):
        self._connection.request("POST", path, body)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"the CKKS server refused {path} with {response.status}: {content[:200]!r}")
        return content


class Server:
    """What the server knows: the weights, and the keys that cannot decrypt.

    Args:
        weights: Of `private_network.weights_of`.
        size: Rows and columns of pictures.
    """

    def __init__(self, weights: dict[str, np.ndarray], size: int):
        kernel, stride = window(size)
        self._windows = ((size - kernel) // stride + 1) ** 2
        self._kernels = [weights["conv"][:, index].reshape(kernel, kernel).tolist() for index in range(MAPS)]
        self._biases = [float(bias) for bias in weights["conv_bias"]]
        self._dense = [(weights[name].tolist(), weights[f"{name}_bias"].tolist()) for name in ("hidden", "classifier")]
        self._context = None

    def keys(self, body: bytes) -> bytes:
        """Takes a serialised context. Refuses one that has the secret key."""
        import tenseal

        context = tenseal.context_from(body)
        if context.has_secret_key():
            raise ValueError("expected a context without the secret key, received one with it")
        self._context = context
        return b""

    def query(self, body: bytes) -> bytes:
        """Encrypted windows to encrypted logits."""
        import tenseal

        if self._context is None:
            raise ValueError("expected the keys first (POST /keys), received a query")
        picture = tenseal.ckks_vector_from(self._context, body)
        maps = [
            picture.conv2d_im2col(kernel, self._windows) + bias
            for kernel, bias in zip(self._kernels, self._biases, strict=True)
        ]
        x = tenseal.CKKSVector.pack_vectors(maps)
        for matrix, bias in self._dense:
            x.square_()
            x = x.mm(matrix) + bias
        return x.serialize()


def _handler(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize, disable_nagle_algorithm = -1, True  # headers and body in one packet, at once

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                status, content = 200, {"/keys": server.keys, "/query": server.query}[self.path](body)
            except (KeyError, ValueError, RuntimeError) as error:
                status, content = 400, json.dumps({"error": str(error)}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int, help="rows and columns of pictures")
    parser.add_argument("--weights", help="file of the network's weights (.npz): be the server")
    parser.add_argument("--host", default="127.0.0.1", help="the server's address")
    parser.add_argument("--port", type=int, required=True, help="the server's port")
    arguments = parser.parse_args()
    if arguments.weights:
        with np.load(arguments.weights) as file:
            server = Server(dict(file), arguments.size)
        listening = http.server.HTTPServer((arguments.host, arguments.port), _handler(server))
        say("ready")
        listening.serve_forever()
    begun = time.perf_counter()
    client = Client(arguments.host, arguments.port, arguments.size)
    say({"bytes": client.send_keys(), "seconds": time.perf_counter() - begun})
    for picture in lines():
        say(client.query(base64.b64decode(picture)))


if __name__ == "__main__":
    main()
