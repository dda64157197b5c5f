"""Do other ways to mix withstand separation? Keys that are not orthogonal, and shield rows, on a run's own features.

    python -m tools.other_mixings RUN_DIR --model datamix-pre1-group8-linear-seed0

GELO (Belikov and Fedotov, arXiv 2603.05035) proposes both for linear maps of hidden states: non-orthogonal keys, which
hide the Gram matrix, and orthogonal ones with a few loud random rows ("shield vectors") that drown higher moments.
Here they mix the features of a finished run, and FastICA on gradients and on features separates each group. The score
is how well the estimate singles out the true inputs: the mean over true inputs of the matched absolute entry of W A
with rows of length 1 (1: undone), beside a random matrix in place of W.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment

from components.storage.artifacts import Examples, Models
from components.training import models as trained
from components.training.data import arrays
from datamix_tf.attacks.linked.mixed_groups import MixedGroups, rotations
from datamix_tf.attacks.linked.separation import view
from pipeline.orchestration.finished_run import artifact_of

VIEWS = ("gradients", "features")


def spread_key(random: np.random.Generator, size: int, condition: float) -> np.ndarray:
    """An invertible matrix `[size, size]` with singular values from 1 / sqrt(condition) to sqrt(condition)."""
    left, right = rotations(random, 2, size)
    return left * np.geomspace(condition**-0.5, condition**0.5, size) @ right


def shielded(random: np.random.Generator, features: np.ndarray, rows: int, loud: float) -> np.ndarray:
    """Features `[n, d]` above `rows` rows of noise that are `loud` times as large as a feature's numbers."""
    noise = random.standard_normal((rows, features.shape[1])) * features.std() * loud
    return np.concatenate([features, noise])


def agreement(estimate: np.ndarray, key: np.ndarray, inputs: int) -> float:
    """Mean matched absolute entry of W A with rows of length 1, of the first `inputs` columns."""
    product = estimate @ key
    product = np.abs(product / np.linalg.norm(product, axis=1, keepdims=True))[:, :inputs]
    rows, columns = linear_sum_assignment(-product)
    return float(product[rows, columns].mean())


def separated(mixtures: np.ndarray, shape: tuple[int, ...], kind: str, seed: int) -> np.ndarray:
    """FastICA's estimate of the inverse key: whitening and rotation, for keys of any kind."""
    from sklearn.decomposition import FastICA

    samples = view(mixtures.reshape(-1, *shape), kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="FastICA did not converge")
        return FastICA(whiten="unit-variance", random_state=seed, max_iter=500).fit(samples.T).components_


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="output folder of a finished run")
    parser.add_argument("--model", required=True, help="a model of it that mixes")
    parser.add_argument("--groups", type=int, default=16, help="groups for each way")
    parser.add_argument("--seed", type=int, default=0, help="of keys and noise")
    arguments = parser.parse_args()
    examples = artifact_of(arguments.run, Examples, "transform", "examples", "schema.json")
    models = artifact_of(arguments.run, Models, "trainer", "models", "models.json")
    drawn = MixedGroups(trained.load(models, arguments.model))
    size, features = drawn.group_size, drawn.features(arrays(examples, "test")[1])
    shape = features.shape[1:]
    groups = features[: len(features) // size * size].reshape(-1, size, int(np.prod(shape)))[: arguments.groups]
    ways = [("orthogonal", 1.0, 0, 0.0), *((f"condition {c:g}", c, 0, 0.0) for c in (10.0, 100.0))]
    ways += [(f"{k} shield rows, {loud:g} times as loud", 1.0, k, loud) for k in (1, 4, 8) for loud in (1.0, 10.0)]
    print("| keys | FastICA on gradients | on features | a random matrix |\n| --- | --- | --- | --- |")
    for name, condition, rows, loud in ways:
        random, found = np.random.default_rng(arguments.seed), []
        for group in groups.astype(np.float64):
            whole = shielded(random, group, rows, loud)
            key = spread_key(random, len(whole), condition) if condition > 1 else rotations(random, 1, len(whole))[0]
            estimates = [separated(key @ whole, shape, kind, arguments.seed) for kind in VIEWS]
            estimates.append(rotations(random, 1, len(whole))[0])
            found.append([agreement(estimate, key, size) for estimate in estimates])
        mean, error = np.mean(found, 0), np.std(found, 0) / len(found) ** 0.5
        print(
            f"| {name} | " + " | ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True)) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
