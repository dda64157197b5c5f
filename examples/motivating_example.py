"""DataMix, section 3: a classifier trained with mixup answers for mixtures, and the mixing can be solved away.

    python examples/motivating_example.py [--coefficients 0.7,0.3,0.6,0.4] [--epochs 30]

Two pictures A and B are mixed with two pairs of coefficients, m(c) = 0.7 A + 0.3 B and m(c') = 0.6 A + 0.4 B. The cloud
sees the mixtures alone and answers with mixed probabilities; solving the linear system gives the predictions for A and
B. Any invertible matrix of coefficients will do, of any size: `--coefficients` takes its rows, one mixture each. The
pictures are handwritten digits of scikit-learn (8 x 8 pixels).

It prints the accuracy on plain test digits, on de-mixed mixtures, and on mixtures as they are: what the cloud can read
without any coefficients. The closer the rows of the matrix are to each other, the more the solution amplifies what the
classifier is not linear in: its condition number is printed, too.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np


def coefficient_matrix(text: str) -> np.ndarray:
    """The matrix of comma-separated rows, float64 `[size, size]`.

    Raises:
        ValueError: If the numbers make no square, invertible matrix.
    """
    values = np.array([float(part) for part in text.split(",")])
    size = round(len(values) ** 0.5)
    if size * size != len(values):
        raise ValueError(f"expected the rows of a square matrix (4, 9, 16 ... numbers), received {len(values)} numbers")
    matrix = values.reshape(size, size)
    if np.linalg.matrix_rank(matrix) < size:
        raise ValueError(f"the coefficients must be invertible, received {matrix.tolist()}")
    return matrix


def mix(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Mixtures `[size, ...]` of inputs `[size, ...]`: mixture k is sum_i coefficients[k, i] x_i."""
    return np.tensordot(coefficients, x, 1)


def demix(y: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Answers to the inputs, from answers to their mixtures: solves coefficients . answers = y."""
    return np.linalg.solve(coefficients, y.reshape(len(y), -1)).reshape(y.shape)


def train(x, y, epochs, seed=0):
    """A small classifier, trained with mixup (Zhang et al., ICLR 2018): random pairs, labels mixed alike."""
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            *(keras.layers.Dense(128, "relu") for _ in range(2)),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), "categorical_crossentropy", jit_compile=False)
    labels = np.eye(10)[y]
    for _ in range(epochs):
        mates, share = random.permutation(len(x)), random.uniform(size=(len(x), 1))
        mixed, wanted = share * x + (1 - share) * x[mates], share * labels + (1 - share) * labels[mates]
        model.fit(mixed, wanted, batch_size=32, verbose=0)
    return model


def evaluate(model, x, y, coefficients):
    """Accuracy on plain inputs, on de-mixed answers to mixtures, and of mixtures taken for their first input."""
    size = len(coefficients)
    whole = len(x) - len(x) % size
    groups, truth = x[:whole].reshape(-1, size, x.shape[1]), y[:whole]
    mixtures = np.concatenate([mix(group, coefficients) for group in groups])
    answers = model.predict(mixtures, verbose=0)
    solved = np.concatenate([demix(group, coefficients) for group in answers.reshape(-1, size, 10)])
    plain = model.predict(x[:whole], verbose=0)
    return {
        "plain": float((plain.argmax(1) == truth).mean()),
        "solved": float((solved.argmax(1) == truth).mean()),
        "mixtures": float((answers.argmax(1) == truth).mean()),
    }


def main():
    from sklearn.datasets import load_digits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coefficients", default="0.7,0.3,0.6,0.4", help="rows of the matrix, with commas")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the training digits")
    arguments = parser.parse_args()
    try:
        coefficients = coefficient_matrix(arguments.coefficients)
    except ValueError as error:
        parser.error(str(error))
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order] / 16.0, y[order]
    model = train(x[:1200], y[:1200], arguments.epochs)
    scores = evaluate(model, x[1200:], y[1200:], coefficients)
    print(f"condition number of the coefficients: {np.linalg.cond(coefficients):.1f}")
    print(f"plain digits:                         {100 * scores['plain']:.1f} % right")
    print(f"mixtures, solved for each digit:      {100 * scores['solved']:.1f} % right")
    print(f"mixtures, taken as they are:          {100 * scores['mixtures']:.1f} % right")


if __name__ == "__main__":
    main()
