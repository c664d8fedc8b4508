#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""FGSM on a GPU: the OpenCL back end beside torch on the same GPU, in fp32 without TF32.

Usage: bench_opencl.py [--batch 128] [--size 224] [--rounds 5] [--compare] [--peak TFLOPS]
                       [--program build/bench/bench-opencl]

ResNet-18 at 3x32x32 and a network of ResNet-50's shape at 3xSIZExSIZE, random weights, batch normalisations folded in.
One round is an attack end to end: inputs to the device, forward, loss, gradient with respect to the input, back, signed
step. Printed are medians over the rounds, FLOP/s counted as the direct method has them (so that Winograd's savings count
as speed), and their share of the fp32 peak where that is known. --compare compares every gradient with the processor's,
bit by bit. Where there is no GPU, or no torch that uses one, the line says so, and our side is still measured.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

LANES = {(7, 0): 64, (7, 5): 64, (8, 0): 64, (8, 6): 128, (8, 7): 128, (8, 9): 128, (9, 0): 128}  # fp32 a processor


def torch_gpu():
    """torch with a GPU, or why there is none."""
    try:
        import torch
    except ImportError:
        return None, "torch is not installed"
    if not torch.cuda.is_available():
        return None, f"torch {torch.__version__} sees no GPU"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch, f"torch {torch.__version__} on {torch.cuda.get_device_name()}"


def peak_of(torch):
    """FLOP/s of the GPU's fp32 units at their highest clock, from the driver's own figures; None where not known."""
    properties = torch.cuda.get_device_properties(0)
    lanes = LANES.get((properties.major, properties.minor))
    try:
        clock = subprocess.run(["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits"],
                               capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, IndexError, subprocess.CalledProcessError):
        return None
    return 2 * lanes * properties.multi_processor_count * float(clock) * 1e6 if lanes else None


def torch_model(torch, depth):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, parts, shortcut):
            super().__init__()
            self.parts, self.shortcut = nn.Sequential(*parts), shortcut

        def forward(self, x):
            return torch.relu(self.parts(x) + self.shortcut(x))

    def conv(out, into, kernel, stride=1):
        return nn.Conv2d(into, out, kernel, stride, kernel // 2)

    def way(out, into, stride):
        return conv(out, into, 1, stride) if out != into or stride != 1 else nn.Identity()

    if depth == 18:
        layers, channels = [conv(64, 3, 3), nn.ReLU()], 64
        for out, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
            layers.append(Block([conv(out, channels, 3, stride), nn.ReLU(), conv(out, out, 3)],
                                way(out, channels, stride)))
            channels = out
        classes = 10
    else:
        layers, channels = [conv(64, 3, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
        for middle, count, first in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                stride = first if i == 0 else 1
                layers.append(Block([conv(middle, channels, 1), nn.ReLU(), conv(middle, middle, 3, stride), nn.ReLU(),
                                     conv(4 * middle, middle, 1)], way(4 * middle, channels, stride)))
                channels = 4 * middle
        classes = 1000
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*layers).eval().requires_grad_(False).cuda()


def torch_seconds(torch, depth, batch, size, rounds):
    model, x = torch_model(torch, depth), torch.rand(batch, 3, size, size)
    labels = torch.zeros(batch, dtype=torch.long).cuda()
    taken = []
    for _ in range(rounds + 3):  # the first ones choose algorithms
        torch.cuda.synchronize()
        start = time.perf_counter()
        own = x.cuda().requires_grad_()
        torch.nn.functional.cross_entropy(model(own), labels, reduction="sum").backward()
        (own.detach() + 0.03 * own.grad.sign()).clamp_(0, 1).cpu()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[3:])


def measure(arguments, torch, note, peak, depth, size):
    command = [arguments.program, str(depth), str(arguments.batch), str(size), str(arguments.rounds)]
    finished = subprocess.run(command + (["compare"] if arguments.compare else []), capture_output=True, text=True,
                              check=False)
    name = f"ResNet-{depth}, 3x{size}x{size}, batch {arguments.batch}"
    if not finished.stdout:
        print(f"{name}: {finished.stderr.strip()}")
        return False
    ours = json.loads(finished.stdout)
    rate = 4 * ours["products"] * arguments.batch / ours["seconds"]  # two operations, forward and backward
    share = f"{100 * rate / peak:.1f}% of the fp32 peak of {peak / 1e12:.1f} TFLOP/s" if peak else "peak not known"
    print(f"{name}: {1000 * ours['seconds']:.2f} ms, {rate / 1e12:.3f} TFLOP/s counted as direct, {share}; "
          f"{ours['device']}" + (f"; bits {'the same' if ours['same'] else 'DIFFER'}" if arguments.compare else ""))
    if torch is None:
        print(f"  beside torch: not measured, as {note}")
    else:
        theirs = torch_seconds(torch, depth, arguments.batch, size, arguments.rounds)
        print(f"  {note}: {1000 * theirs:.2f} ms; ratio {ours['seconds'] / theirs:.3f} (goal 1.0)")
    return ours["same"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--peak", type=float, help="of the device in fp32, in TFLOP/s, where it can't be found out")
    parser.add_argument("--program", default="build/bench/bench-opencl")
    arguments = parser.parse_args()
    torch, note = torch_gpu()
    peak = arguments.peak * 1e12 if arguments.peak else peak_of(torch) if torch else None
    same = [measure(arguments, torch, note, peak, depth, size) for depth, size in ((18, 32), (50, arguments.size))]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
