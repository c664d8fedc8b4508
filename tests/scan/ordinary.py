#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""False alarms on ordinary models: usage: ordinary.py FOLDER [LAZARET]. Needs python3-torch and python3-sklearn.

Saves into FOLDER what their users save: every estimator of scikit-learn, fitted, by pickle and joblib in several
protocols and compressions; torch's layers, optimisers, schedulers and tensors in all three file forms; NumPy arrays of
every kind of dtype, generators, values of Python's own. Scans the folder and prints the verdicts by kind, and names
what is not allowed. These are files that this program wrote itself: only such may be loaded, and none is.
"""
import collections
import datetime
import decimal
import enum
import fractions
import inspect
import json
import pathlib
import pickle
import subprocess
import sys
import uuid
import warnings

import joblib
import numpy as np
import scipy.sparse
import sklearn
import torch
from sklearn.utils import all_estimators

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(20261122)
X = RNG.random((40, 6))
Y = RNG.integers(0, 3, 40)


def estimators(folder):
    for name, kind in all_estimators():
        try:
            model = kind()
            try:
                model.fit(X, Y)
            except Exception:  # pylint: disable=broad-except  # wants other data: saved unfitted, as users may
                model = kind()
        except Exception:  # pylint: disable=broad-except  # wants arguments: a model of models
            try:
                model = kind(sklearn.linear_model.LogisticRegression())
                model.fit(X, Y)
            except Exception:  # pylint: disable=broad-except
                continue
        try:
            for protocol in (2, 4):
                (folder / f"{name}.p{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))
            joblib.dump(model, folder / f"{name}.joblib")
        except Exception:  # pylint: disable=broad-except  # some can't be saved
            continue
    model = sklearn.ensemble.RandomForestClassifier(5).fit(X, Y)
    for compress in ("zlib", "gzip", "bz2", "xz", "lzma", ("lz4", 3)):
        try:
            joblib.dump(model, folder / f"forest-{compress if isinstance(compress, str) else 'lz4'}.joblib.z", compress)
        except ValueError:
            continue


def layers():
    for name, kind in inspect.getmembers(torch.nn, inspect.isclass):
        if not issubclass(kind, torch.nn.Module):
            continue
        for arguments in ((), (4,), (4, 4), (4, 4, 2), (2, [4]), ([torch.nn.Linear(2, 2)],)):
            try:
                yield name, kind(*arguments)
                break
            except Exception:  # pylint: disable=broad-except
                continue


def networks(folder):
    for name, layer in layers():
        try:
            torch.save(layer, folder / f"{name}.pt")
            torch.save(layer.state_dict(), folder / f"{name}-state.pth")
            torch.save(layer, folder / f"{name}-legacy.bin", _use_new_zipfile_serialization=False)
        except Exception:  # pylint: disable=broad-except
            continue
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    for name, kind in inspect.getmembers(torch.optim, inspect.isclass):
        try:
            optimiser = kind(model.parameters(), lr=0.1)
            loss = model(torch.rand(3, 4)).sum()
            loss.backward()
            optimiser.step()
            checkpoint = {"epoch": 3, "model": model.state_dict(), "optimizer": optimiser.state_dict(), "best": 0.5,
                          "rng": torch.get_rng_state(), "args": {"lr": 0.1}}
            torch.save(checkpoint, folder / f"checkpoint-{name}.ckpt")
            torch.save(optimiser, folder / f"optimiser-{name}.pt")
        except Exception:  # pylint: disable=broad-except
            continue
    for name in ("float64", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool", "complex64"):
        tensor = torch.zeros(3, dtype=getattr(torch, name))
        torch.save(tensor, folder / f"tensor-{name}.pt")
        (folder / f"tensor-{name}.pkl").write_bytes(pickle.dumps(tensor))
    torch.save(torch.nn.Parameter(torch.rand(2)), folder / "parameter.pt")
    torch.save(torch.quantize_per_tensor(torch.rand(4), 0.1, 0, torch.qint8), folder / "quantized.pt")
    torch.save(torch.rand(3, 3).to_sparse(), folder / "sparse.pt")
    torch.save({"device": torch.device("cpu"), "size": torch.Size([2]), "dtype": torch.float32}, folder / "odds.pt")
    torch.jit.script(model).save(str(folder / "script.pt"))
    torch.jit.trace(model, torch.rand(1, 4)).save(str(folder / "trace.pt"))
    torch.onnx.export(model, torch.rand(1, 4), folder / "model.onnx")


def arrays(folder):
    for dtype in ("f2", "f4", "f8", ">f4", "i1", "u2", "i8", "?", "c8", "c16", "S5", "U5", "M8[D]", "m8[s]"):
        array = np.zeros((3, 2), dtype)
        np.save(folder / f"{dtype.strip('>?') or 'bool'}{'-big' if dtype[0] == '>' else ''}.npy", array)
        for protocol in range(6):
            (folder / f"{dtype.strip('>?') or 'bool'}.p{protocol}.pkl").write_bytes(pickle.dumps(array, protocol))
    np.savez(folder / "several.npz", a=np.zeros(3), b=np.ones((2, 2), "i4"))
    np.savez_compressed(folder / "packed.npz", a=np.zeros(300))
    np.save(folder / "objects.npy", np.array([{"a": 1}, None, "text"], object), allow_pickle=True)
    np.save(folder / "record.npy", np.zeros(3, [("a", "f4"), ("b", "i4", 2)]))
    values = {"scalar": np.float64(1), "masked": np.ma.masked_array([1, 2], [0, 1]), "state": np.random.RandomState(1),
              "generator": np.random.default_rng(1), "dtype": np.dtype("f4"), "csr": scipy.sparse.csr_matrix(np.eye(3)),
              "coo": scipy.sparse.coo_matrix(np.eye(3)), "matrix": np.matrix([[1]]),
              "record": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")])}
    for name, value in values.items():
        for protocol in (2, 4, 5):
            (folder / f"value-{name}.p{protocol}.pkl").write_bytes(pickle.dumps(value, protocol))


def python_values(folder):
    values = {
        "config": {"lr": 0.1, "layers": [1, 2, 3], "name": "resnet", "flags": (True, None)},
        "ordered": collections.OrderedDict(a=1), "default": collections.defaultdict(list, a=[1]),
        "counter": collections.Counter("hello"), "deque": collections.deque([1, 2], 5),
        "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), "delta": datetime.timedelta(1),
        "decimal": decimal.Decimal("1.5"), "fraction": fractions.Fraction(1, 3), "set": {1, 2}, "frozen": frozenset({1}),
        "bytes": b"\0\1" * 40, "bytearray": bytearray(b"abc"), "complex": 1 + 2j, "range": range(3), "slice": slice(1, 2),
        "path": pathlib.PurePosixPath("a/b"), "uuid": uuid.UUID(int=5), "exception": ValueError("no"),
        "vocabulary": {f"token{i}": i for i in range(5000)}, "long": 1 << 300, "text": "naïve ☃ " * 10,
        "enum": enum.Enum("Colour", "RED").__class__ and datetime.timezone.utc, "ellipsis": Ellipsis,
    }
    for name, value in values.items():
        for protocol in range(6):
            try:
                (folder / f"{name}.p{protocol}.pkl").write_bytes(pickle.dumps(value, protocol))
            except Exception:  # pylint: disable=broad-except
                continue


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    lazaret = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "build" / "lazaret"
    for kind, make in (("sklearn", estimators), ("torch", networks), ("numpy", arrays), ("python", python_values)):
        if not (out / kind).exists():
            (out / kind).mkdir(parents=True)
            make(out / kind)
    run = subprocess.run([lazaret, "scan", "--isolation", "process", "--format", "json", "--quiet", out],
                         stdout=subprocess.PIPE, check=False)
    table = collections.defaultdict(collections.Counter)
    for file in json.loads(run.stdout)["files"]:
        name = pathlib.Path(file["name"]).relative_to(out)
        table[name.parts[0]][file["verdict"]] += 1
        if file["verdict"] != "allowed":
            why = {f"{f['rule']}: {f['detail']}" for f in file["findings"]}
            why |= {f"gap {s['reason']}: {s['detail']}" for s in file["coverage"]["skipped"] if s["gap"]}
            print(f"{file['verdict']:<10} {name}  {'; '.join(sorted(why))}")
    for kind, verdicts in table.items():
        print(f"{kind}: {sum(verdicts.values())} files, " + ", ".join(f"{n} {v}" for v, n in verdicts.most_common()))


if __name__ == "__main__":
    main()
