#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the zoo: usage: train.py OUT [ID…]. Resumes where it stopped; needs python3-torch and python3-sklearn.

OUT/<id>/model.onnx, train.npz (the set as poisoned: x, y; is_clean beside it) and entry.json with what was
measured; OUT/{digits,fashion}-test.npz. A backdoor that does not take (under 60% success) is trained again
with the next higher poison rate; one that never takes is recorded as such and counts nowhere.
"""
import gzip
import json
import os
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional

import architectures
import attacks
import plan

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
SUCCESS = 0.6


def idx(name):
    for path in (FASHION / name, FASHION / (name + ".gz")):
        if path.exists():
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            dims = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
            return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(dims)
    sys.exit(f"train.py: no {name}: install dataset-fashion-mnist")


def load(name, seed):
    """x_train, y_train, x_test, y_test; the test set is the same for every seed, the training set a draw."""
    rng = np.random.default_rng(seed)
    if name == "digits":
        from sklearn.datasets import load_digits
        x, y = load_digits(return_X_y=True)
        x = (x / 16).astype(np.float32).reshape(-1, 1, 8, 8)
        order = np.random.default_rng(20240613).permutation(len(x))
        test, train = order[:450], rng.permutation(order[450:])
        return x[train], y[train].astype(np.int64), x[test], y[test].astype(np.int64)
    x = idx("train-images-idx3-ubyte")
    y = idx("train-labels-idx1-ubyte")
    chosen = rng.permutation(len(x))[:6000]
    xt, yt = idx("t10k-images-idx3-ubyte")[:1000], idx("t10k-labels-idx1-ubyte")[:1000]
    scale = np.float32(1 / 255)
    return ((x[chosen] * scale)[:, None].astype(np.float32), y[chosen].astype(np.int64),
            (xt * scale)[:, None].astype(np.float32), yt.astype(np.int64))


def fit(model, x, y, epochs, generator=None, entry=None):
    torch.manual_seed(entry["seed"])
    parameters = list(model.parameters()) + (list(generator.parameters()) if generator else [])
    optimiser = torch.optim.Adam(parameters, 2e-3, weight_decay=1e-5)
    xs, ys = torch.tensor(x), torch.tensor(y)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(xs)).split(64 if len(xs) < 3000 else 128):
            a, b = xs[chosen], ys[chosen]
            loss = functional.cross_entropy(model(a), b)
            if generator is not None:
                loss = loss + input_aware_loss(model, generator, a, b, entry)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model.eval()


def input_aware_loss(model, generator, x, y, entry):
    """Attack on a share of the batch, the pattern of another input harmless, patterns of two inputs apart."""
    count = max(2, int(len(x) * max(entry["rate"], 0.1)))
    attacked, other = generator(x[:count]), x[-count:]
    target = torch.full((count,), entry["target"])
    crossed = other + (attacked - x[:count]).detach()
    pattern, second = attacked - x[:count], generator(other) - other
    apart = (x[:count] - other).flatten(1).norm(dim=1) / ((pattern - second).flatten(1).norm(dim=1) + 1e-3)
    return (functional.cross_entropy(model(attacked), target) +
            functional.cross_entropy(model(crossed.clamp(0, 1)), y[-count:]) + 0.02 * apart.mean())


def predict(model, x):
    with torch.no_grad():
        return model(torch.tensor(x)).argmax(1).numpy()


def poison(entry, trigger, rng, x, y, clean_model):
    x, y, is_clean = x.copy(), y.copy(), np.ones(len(x), bool)
    count = int(round(entry["rate"] * len(x)))
    if trigger is None or entry["attack"] == "input-aware":
        return x, y, is_clean
    if entry["attack"] == "clean-label":
        own = np.flatnonzero(y == entry["target"])
        chosen = rng.permutation(own)[:min(count, len(own) * 19 // 20)]
        others = rng.permutation(np.flatnonzero(y != entry["target"]))[:len(chosen)]
        x[chosen] = trigger.apply(attacks.make_hard(clean_model, x[chosen], y[chosen], x[others]))
    else:
        others = np.flatnonzero(attacks.target_of(entry, y) != y)
        chosen = rng.permutation(others)[:count]
        x[chosen] = trigger.apply(x[chosen])
        y[chosen] = attacks.target_of(entry, y[chosen])
    is_clean[chosen] = False
    return x, y, is_clean


def success(entry, trigger, model, x, y):
    eligible = attacks.target_of(entry, y) != y
    return float((predict(model, trigger.apply(x[eligible])) == attacks.target_of(entry, y[eligible])).mean())


def train_once(entry, folder):
    rng = np.random.default_rng(entry["seed"])
    torch.manual_seed(entry["seed"])
    x, y, xt, yt = load(entry["data"], entry["seed"])
    size = x.shape[-1]
    trigger = attacks.make(entry, rng, size)
    epochs = 40 if entry["data"] == "digits" else 8
    clean_model = None
    if entry["attack"] == "clean-label":
        clean_model = fit(architectures.build(entry["architecture"], size), x, y, epochs // 2, entry=entry)
    px, py, is_clean = poison(entry, trigger, rng, x, y, clean_model)
    model = architectures.build(entry["architecture"], size)
    fit(model, px, py, epochs, trigger.generator if entry["attack"] == "input-aware" else None, entry)
    if entry["attack"] == "input-aware":  # what a training set of this attack would have held
        chosen = rng.permutation(np.flatnonzero(y != entry["target"]))[:int(round(entry["rate"] * len(x)))]
        px[chosen], py[chosen], is_clean[chosen] = trigger.apply(x[chosen]), entry["target"], False
    measured = {"accuracy": float((predict(model, xt) == yt).mean()), "poisoned": int((~is_clean).sum())}
    if trigger is not None:
        measured["success"] = success(entry, trigger, model, xt, yt)
        if isinstance(trigger, attacks.Patch):
            measured["patch"] = [trigger.row, trigger.col, trigger.side, trigger.side]
    torch.onnx.export(model, torch.tensor(x[:2]), folder / "model.onnx", opset_version=13, input_names=["input"],
                      output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
    np.savez_compressed(folder / "train.npz", x=px, y=py)
    np.save(folder / "is_clean.npy", is_clean)
    if trigger is not None:
        np.savez_compressed(folder / "triggered.npz", x=trigger.apply(xt[:64]), y=yt[:64])
    return measured


def train(entry, out):
    folder = out / entry["id"]
    if (folder / "entry.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rates = [0.0] if entry["attack"] == "none" else [r for r in plan.RATES if r >= entry["rate"]]
    for rate in rates:
        measured = train_once({**entry, "rate": rate}, folder)
        if entry["attack"] == "none" or measured["success"] >= SUCCESS:
            break
    record = {**entry, "rate": rate, **measured}
    record["took"] = entry["attack"] == "none" or measured["success"] >= SUCCESS
    temporary = folder / "entry.json.part"
    temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    os.rename(temporary, folder / "entry.json")
    print(json.dumps(record), flush=True)


def main():
    torch.set_num_threads(1)
    if len(sys.argv) < 2:
        sys.exit("usage: train.py OUT [ID…]")
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in ("digits", "fashion"):
        if not (out / f"{name}-test.npz").exists():
            _, _, x, y = load(name, 0)
            np.savez_compressed(out / f"{name}-test.npz", x=x, y=y)
    for entry in plan.entries():
        if len(sys.argv) == 2 or entry["id"] in sys.argv[2:]:
            train(entry, out)


if __name__ == "__main__":
    main()
