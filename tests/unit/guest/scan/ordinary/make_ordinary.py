# SPDX-License-Identifier: Apache-2.0
"""Pickles what ordinary models are made of, as the installed packages do it.

usage: make_ordinary.py FOLDER. Packages that are absent are left out. What a package can't pickle is left out too."""
import argparse
import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import itertools
import logging
import pathlib
import pickle
import random
import re
import sys
import types
import typing
import uuid
import warnings
import zoneinfo

import numpy as np

folder = sys.argv[1]
warnings.simplefilter("ignore")
LARGEST = 4 << 20  # bytes of a file


def write(name, value, protocols=(2, 4, 5)):
    for protocol in protocols:
        try:
            data = pickle.dumps(value, protocol=protocol)
        except Exception:  # some hold what no pickle can
            continue
        if len(data) < LARGEST:
            with open(f"{folder}/{name}.{protocol}", "wb") as file:
                file.write(data)


def estimators():
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import all_estimators

    samples = np.abs(np.random.RandomState(0).randn(20, 3))
    labels = (samples[:, 0] > 0.6).astype(int)
    for name, made in all_estimators():
        for arguments in ((), (LogisticRegression(),), ([("a", LogisticRegression())],)):
            try:
                estimator = made(*arguments)
                break
            except Exception:
                estimator = None
        if estimator is None:
            continue
        write(f"sklearn_{name}_new", estimator, (4,))
        for target in ((samples, labels), (["aa bb", "cc dd"],)):
            try:
                write(f"sklearn_{name}", estimator.fit(*target), (2, 4))
                break
            except Exception:
                pass


def layers():
    try:
        import torch
    except ImportError:
        print("absent: torch")
        return
    for name in dir(torch.nn):
        made = getattr(torch.nn, name)
        if not (isinstance(made, type) and issubclass(made, torch.nn.Module)) or name == "Transformer":
            continue
        for arguments in ((), (4,), (4, 4), (4, 4, 3), (4, 2), (2, 4, 4)):
            try:
                write(f"torch_nn_{name}", made(*arguments), (2, 4))
                break
            except Exception:
                pass
    layer = torch.nn.Linear(2, 2)
    for name in dir(torch.optim):
        made = getattr(torch.optim, name)
        if isinstance(made, type) and name not in ("Optimizer", "LBFGS"):
            write(f"torch_optim_{name}", made(layer.parameters(), lr=0.1), (2, 4))
    tensors = [torch.zeros(2, dtype=dtype) for dtype in (torch.float16, torch.bfloat16, torch.complex64, torch.bool)]
    write("torch_tensors", tensors + [torch.eye(2).to_sparse(), torch.Size([1]), torch.float16, torch.device("cpu")],
          (0, 2, 4))



def data():
    values = [
        collections.OrderedDict(a=1), collections.defaultdict(int), collections.Counter("aab"),
        collections.deque([1], 3), collections.ChainMap({}), collections.UserDict(a=1),
        datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), datetime.date(2020, 1, 1), datetime.time(1),
        datetime.timedelta(1), datetime.timezone(datetime.timedelta(hours=1)), decimal.Decimal("1.5"),
        fractions.Fraction(1, 2), uuid.UUID(int=7), pathlib.PurePosixPath("a"), pathlib.Path("a"), random.Random(1),
        array.array("i", [1]), functools.partial(int, base=2), types.SimpleNamespace(a=1), re.compile("a"),
        re.IGNORECASE, argparse.Namespace(a=1), ipaddress.ip_address("1.1.1.1"), zoneinfo.ZoneInfo("UTC"),
        logging.getLogger("a"), type(None), ..., NotImplemented, int, len, ValueError("x"), OSError(2, "x"),
        slice(1, 2), range(3), complex(1), bytearray(b"a"), frozenset([1]), iter([1]), reversed([1]), enumerate([1]),
        zip([1], [2]), itertools.count(), itertools.chain([1], [2]), map(str, [1]), typing.List[int],
        typing.Optional[str], list[int], enum.Enum, bytes.fromhex, collections.abc.Mapping,
        np.float32(1), np.bool_(1), np.str_("a"), np.datetime64("2020-01-01"), np.dtype("f8"), np.dtype([("a", "O")]),
        np.array([1]), np.array([None, "a"], dtype=object), np.ma.array([1], mask=[True]), np.rec.array([(1,)]),
        np.random.RandomState(1), np.random.default_rng(1), np.random.MT19937(1), np.float64, np.poly1d([1]),
        np.polynomial.Polynomial([1]), np.sin, np.mean,
    ]
    for i, value in enumerate(values):
        write(f"data_{i}", value, (0, 2, 4, 5))


estimators()
layers()
data()
