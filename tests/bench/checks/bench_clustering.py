#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of activation clustering of 1,347 × 64 activations in ten classes: ours and scikit-learn's PCA and KMeans.

Usage: LAZARET_BENCH=build/bench/bench-clustering bench_clustering.py [PAIRS]   (needs python3-sklearn)
Runs in the source tree's root. Both do 10 components and 2 clusters a class on one thread, one after the other, PAIRS
times, first with as many starts each (10, as ART has it, then 100), then ours with 100 against ART's 10. Ours works out
silhouettes as well. Prints medians, the ratio, and in how many classes each found the smaller sum.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

fixtures = pathlib.Path("tests/fixtures/checks")
warnings.simplefilter("ignore")


def ours(model, starts, seed):
    lines = subprocess.run([os.environ["LAZARET_BENCH"], fixtures / f"activations-{model}.f32",
                            fixtures / f"train-{model}-y.u8", "64", str(starts), str(seed)], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return float(lines[0]), [float(line.split()[2]) for line in lines[1:]]


def theirs(activations, labels, starts, seed):
    inertias = []
    start = time.process_time()
    for label in range(10):
        points = PCA(n_components=10).fit_transform(activations[labels == label])
        inertias.append(KMeans(n_clusters=2, n_init=starts, random_state=seed).fit(points).inertia_)
    return (time.process_time() - start) * 1e3, inertias


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for model in ("clean", "bd15"):
        activations = np.fromfile(fixtures / f"activations-{model}.f32", "<f4").reshape(-1, 64)
        labels = np.fromfile(fixtures / f"train-{model}-y.u8", np.uint8)
        theirs(activations, labels, 10, 0)
        for own_starts, their_starts in ((10, 10), (100, 100), (100, 10)):
            runs = [(ours(model, own_starts, seed), theirs(activations, labels, their_starts, seed))
                    for seed in range(pairs)]
            own, their = (statistics.median(pair[i][0] for pair in runs) for i in (0, 1))
            better = [0, 0]
            for (_, a), (_, b) in runs:
                for x, y in zip(a, b):
                    better[0] += x < y * (1 - 1e-6)
                    better[1] += y < x * (1 - 1e-6)
            print(f"{model}: ours, {own_starts} starts, {own:.2f} ms; scikit-learn {sklearn.__version__}, "
                  f"{their_starts} starts, {their:.2f} ms; ratio {own / their:.3f}; the smaller sum in "
                  f"{better[0]} (ours) and {better[1]} of {10 * pairs} classes")


if __name__ == "__main__":
    main()
