#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of one image's input gradient on the ResNet-18 of bench_gradient.c, by torch on one thread.

Usage: bench_gradient.py [BATCH [RUNS]]   (needs python3-torch)
Set LAZARET_BENCH to the program bench-gradient to run it too and print the ratios.
"""
import os
import re
import subprocess
import sys
import time

import torch
from torch import nn


def conv(channels_in, channels_out, kernel, stride):
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2)


class Block(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.first = conv(channels_in, channels_out, 3, stride)
        self.second = conv(channels_out, channels_out, 3, 1)
        self.shortcut = conv(channels_in, channels_out, 1, stride) if channels_in != channels_out else nn.Identity()

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet18():
    layers = [conv(3, 64, 3, 1), nn.ReLU()]
    for channels_in, channels_out, stride in ((64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1),
                                              (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)):
        layers.append(Block(channels_in, channels_out, stride))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)).eval()


def main():
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(1)
    model = resnet18().requires_grad_(False)
    x = torch.rand(batch, 3, 32, 32)
    labels = torch.zeros(batch, dtype=torch.long)
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        own = x.clone().requires_grad_()
        nn.functional.cross_entropy(model(own), labels, reduction="sum").backward()
        best = min(best, time.process_time() - start)
    torchs = best * 1000 / batch
    print(f"torch {torch.__version__} batch {batch}: {torchs:.2f} ms an image")
    program = os.environ.get("LAZARET_BENCH")
    if program:
        for line in subprocess.run([program, str(batch), str(runs)], check=True, capture_output=True,
                                   text=True).stdout.splitlines():
            milliseconds = float(re.search(r": ([0-9.]+) ms an image", line).group(1))
            print(f"{line}\n  ratio to torch {milliseconds / torchs:.3f}")


if __name__ == "__main__":
    main()
