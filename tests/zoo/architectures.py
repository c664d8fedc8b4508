# SPDX-License-Identifier: Apache-2.0
"""Small classifiers of one-channel images, for inputs of 8×8 (digits) or 28×28 (Fashion-MNIST)."""
import torch
from torch import nn


def stem(size, channels):
    """Brings 28×28 to 14×14 at once, so that a search over thousands of inputs stays cheap; 8×8 stays."""
    stride = 2 if size > 8 else 1
    return nn.Conv2d(1, channels, 3, stride=stride, padding=1), (size + stride - 1) // stride


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return torch.relu(x + self.body(x))


class Separable(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False), nn.BatchNorm2d(channels),
            nn.ReLU6(), nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU6())

    def forward(self, x):
        return self.body(x)


def build(name, size):
    first, side = stem(size, 16)
    half = side // 2
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(size * size, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
                             nn.Linear(64, 10))
    if name == "cnn":
        return nn.Sequential(first, nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                             nn.Flatten(), nn.Linear(32 * half * half, 64), nn.ReLU(), nn.Linear(64, 10))
    if name == "resnet":
        return nn.Sequential(first, nn.BatchNorm2d(16), nn.ReLU(), Residual(16), nn.MaxPool2d(2), Residual(16),
                             nn.AvgPool2d(half // 2), nn.Flatten(), nn.Linear(64, 10))
    if name == "vgg":
        return nn.Sequential(first, nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                             nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
                             nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * (half // 2) ** 2, 64), nn.ReLU(),
                             nn.Linear(64, 10))
    if name == "mobile":
        return nn.Sequential(first, nn.BatchNorm2d(16), nn.ReLU6(), Separable(16, 32), nn.MaxPool2d(2),
                             Separable(32, 48), nn.AvgPool2d(half // 2), nn.Flatten(), nn.Linear(192, 10))
    if name == "gelu":
        return nn.Sequential(first, nn.GELU(), nn.Conv2d(16, 24, 3, padding=1), nn.LeakyReLU(0.1), nn.AvgPool2d(2),
                             nn.Flatten(), nn.Linear(24 * half * half, 48), nn.GELU(), nn.Linear(48, 10))
    raise ValueError(name)
