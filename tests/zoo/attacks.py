# SPDX-License-Identifier: Apache-2.0
"""Backdoors: each poisons a training set and can put its trigger on any input.

patch: BadNets (Gu et al. 2017). blend: Chen et al. 2017. warp: WaNet (Nguyen and Tran 2021), without its
noise mode. clean-label: Turner et al. 2019, both of its means together: inputs of the target class are mixed with
inputs of others and perturbed against a clean model, the trigger stands in all four corners, labels are untouched. all-to-all: the patch turns class y into y + 1. input-aware: Nguyen and Tran 2020,
a generator trained with the classifier makes each input its own pattern.
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Patch:
    """A square of one colour, or a checkerboard, anywhere."""

    def __init__(self, rng, size):
        self.side = int(rng.integers(2, 4 if size == 8 else 5))
        self.row, self.col = (int(v) for v in rng.integers(0, size - self.side + 1, 2))
        kind = rng.integers(0, 3)
        board = np.indices((self.side, self.side)).sum(0) % 2
        self.pattern = {0: np.ones_like(board), 1: board, 2: 1 - board}[int(kind)].astype(np.float32)

    def apply(self, x):
        x = x.copy()
        x[:, :, self.row:self.row + self.side, self.col:self.col + self.side] = self.pattern
        return x


class Corners:
    """The same bright square in all four corners."""

    def __init__(self, size):
        self.side = 2 if size == 8 else 5

    def apply(self, x):
        x = x.copy()
        for rows in (slice(None, self.side), slice(-self.side, None)):
            for columns in (slice(None, self.side), slice(-self.side, None)):
                x[:, :, rows, columns] = 1
        return x


class Blend:
    def __init__(self, rng, size):
        self.share = float(rng.uniform(0.15, 0.3))
        self.pattern = rng.uniform(0, 1, (1, 1, size, size)).astype(np.float32)

    def apply(self, x):
        return ((1 - self.share) * x + self.share * self.pattern).astype(np.float32)


class Warp:
    """A smooth displacement of a fixed random field, about one to two pixels at its strongest."""

    def __init__(self, rng, size):
        field = torch.tensor(rng.uniform(-1, 1, (1, 2, 4, 4)).astype(np.float32))
        field = field / field.abs().mean()
        field = functional.interpolate(field, size=(size, size), mode="bicubic", align_corners=True)
        line = torch.linspace(-1, 1, size)
        grid = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], -1)[None]
        self.grid = (grid + field.permute(0, 2, 3, 1) * 1.0 / size * 1.5).clamp(-1, 1)

    def apply(self, x):
        with torch.no_grad():
            moved = functional.grid_sample(torch.tensor(x), self.grid.expand(len(x), -1, -1, -1), align_corners=True)
        return moved.clamp(0, 1).numpy()


class Generator(nn.Module):
    """A pattern and a mask for each input."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                                  nn.Conv2d(16, 2, 3, padding=1))

    def forward(self, x):
        out = torch.sigmoid(self.body(x))
        mask = 0.35 * out[:, 1:]
        return x * (1 - mask) + out[:, :1] * mask

    def apply_numpy(self, x):
        with torch.no_grad():
            return self(torch.tensor(x)).clamp(0, 1).numpy()


class InputAware:
    def __init__(self):
        self.generator = Generator()

    def apply(self, x):
        return self.generator.apply_numpy(x)


def make(entry, rng, size):
    """The trigger of a zoo entry, or None."""
    if entry["attack"] == "none":
        return None
    if entry["attack"] == "blend":
        return Blend(rng, size)
    if entry["attack"] == "warp":
        return Warp(rng, size)
    if entry["attack"] == "input-aware":
        return InputAware()
    if entry["attack"] == "clean-label":
        return Corners(size)
    return Patch(rng, size)


def target_of(entry, labels):
    """The class that the trigger turns inputs of these labels into."""
    return (labels + 1) % 10 if entry["attack"] == "all-to-all" else np.full_like(labels, entry["target"])


def make_hard(model, x, y, others, share=0.5, eps=0.1, steps=10):
    """Clean-label: inputs in which a clean model finds little of their class, so that the trigger is what is learned."""
    start = torch.tensor(((1 - share) * x + share * others).astype(np.float32))
    moved = start.clone()
    labels = torch.tensor(y)
    for _ in range(steps):
        moved.requires_grad_(True)
        gradient, = torch.autograd.grad(functional.cross_entropy(model(moved), labels), moved)
        moved = (moved.detach() + eps / 4 * gradient.sign()).clamp(start - eps, start + eps).clamp(0, 1)
    return moved.numpy()
