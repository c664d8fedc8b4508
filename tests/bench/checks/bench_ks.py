#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of the exact Kolmogorov-Smirnov test of 9,999 against 10,000 values: ours and SciPy's ks_2samp.

Usage: LAZARET_BENCH=build/bench/bench-ks bench_ks.py [PAIRS]   (needs python3-scipy)
Both get the same unsorted f32 samples, one after the other, PAIRS times; starting a program and loading SciPy
count for neither. Prints both medians, their ratio, and how far the two p-values lie apart.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy
import scipy.stats


def ours(program, paths):
    ms, d, p = subprocess.run([program, *paths], check=True, capture_output=True, text=True).stdout.split()
    return float(ms), float(d), float(p)


def scipys(first, second):
    start = time.process_time()
    result = scipy.stats.ks_2samp(first, second, method="exact")
    return (time.process_time() - start) * 1e3, result.statistic, result.pvalue


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    program = os.environ["LAZARET_BENCH"]
    draw = np.random.default_rng(1)
    for shift in (0.0, 0.02, 0.1, 0.3):
        first = draw.standard_normal(9999).astype("<f4")
        second = (draw.standard_normal(10000) + shift).astype("<f4")
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(pathlib.Path(folder, name)) for name in ("first", "second")]
            first.tofile(paths[0])
            second.tofile(paths[1])
            times = [(ours(program, paths), scipys(first, second)) for _ in range(pairs)]
        own, their = (statistics.median(pair[i][0] for pair in times) for i in (0, 1))
        (_, d, p), (_, their_d, their_p) = times[0]
        assert abs(d - their_d) < 1e-12
        print(f"shift {shift}: D {d:.6f} p {p:.6g} (apart {abs(p - their_p):.1e}): ours {own:.2f} ms, "
              f"SciPy {scipy.__version__} {their:.2f} ms, ratio {own / their:.3f}")


if __name__ == "__main__":
    main()
