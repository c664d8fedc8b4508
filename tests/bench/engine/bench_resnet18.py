#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""FGSM on a ResNet-18 at 3x32x32: CPU time an image of the engine's two classes beside torch's, one thread.

Usage: bench_resnet18.py [--batch 32] [--rounds 15] [--isa NAME] [--program build/bench/bench-resnet18]

Both sides compute the gradient of the cross-entropy with respect to the input (torch: eval mode, weights
without gradients) and take the signed step. Each attack of the engine is paired with one of torch right
before it; what is printed is medians over the pairs. Then two threads against one, paired likewise: by wall time,
and, for machines that are not idle, by the CPU time of the busier thread, which a split must bring down to half.
Needs python3-torch.
"""
import argparse
import statistics
import subprocess
import time

import torch
from torch import nn

FLOP = 2 * 2 * 555_422_720  # of one image: multiply and add, forward and backward to the input


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


class Torch:
    def __init__(self, batch):
        torch.set_num_threads(1)
        self.model = resnet18().requires_grad_(False)
        self.x = torch.rand(batch, 3, 32, 32)
        self.labels = torch.zeros(batch, dtype=torch.long)

    def attack(self):
        start = time.process_time()
        own = self.x.clone().requires_grad_()
        nn.functional.cross_entropy(self.model(own), self.labels, reduction="sum").backward()
        (self.x + 0.03 * own.grad.sign()).clamp_(0, 1)
        return time.process_time() - start


class Engine:
    def __init__(self, program, batch, isa):
        self.process = subprocess.Popen([program, str(batch)] + ([isa] if isa else []), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def attack(self, name, threads):
        self.process.stdin.write(f"{name} {threads}\n")
        self.process.stdin.flush()
        cpu, wall, busier, memory, self.isa = self.process.stdout.readline().split()
        self.memory = int(memory)
        return float(cpu), float(wall), float(busier)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", default="")
    parser.add_argument("--program", default="build/bench/bench-resnet18")
    arguments = parser.parse_args()
    theirs, engine = Torch(arguments.batch), Engine(arguments.program, arguments.batch, arguments.isa)
    scale = 1000 / arguments.batch
    for name in ("fma", "mul-add"):  # first runs allocate
        theirs.attack()
        engine.attack(name, 1)
        engine.attack(name, 2)
    for name, goal in (("fma", 0.8), ("mul-add", 1.0)):
        pairs = [(theirs.attack(), engine.attack(name, 1)[0]) for _ in range(arguments.rounds)]
        torchs, ours = (statistics.median(side) for side in zip(*pairs))
        ratio = statistics.median(own / other for other, own in pairs)
        print(f"{name:8} {engine.isa}, batch {arguments.batch}: {ours * scale:.2f} ms an image "
              f"({FLOP / (ours * scale) / 1e6:.0f} GFLOP/s counted as direct), torch {torch.__version__} "
              f"{torchs * scale:.2f} ms; ratio {ratio:.3f} (goal {goal}); {engine.memory / 2**20:.0f} MiB")
    for name in ("fma", "mul-add"):
        pairs = [(engine.attack(name, 1), engine.attack(name, 2)) for _ in range(arguments.rounds)]
        wall = statistics.median(one[1] / two[1] for one, two in pairs)
        cpu = statistics.median(one[0] / two[2] for one, two in pairs)
        print(f"{name:8} 2 threads: {wall:.2f} times one by wall time (goal 1.8; needs two idle cores), "
              f"{cpu:.2f} times by the CPU time of the busier thread")
    engine.process.stdin.close()
    engine.process.wait()


if __name__ == "__main__":
    main()
