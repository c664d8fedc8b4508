#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""FGSM on a GPU: the OpenCL back end beside torch on the same GPU, in fp32 without TF32.

Usage: bench_opencl.py [--batch 128] [--size 224] [--rounds 10] [--compare] [--peak TFLOPS]
                       [--torch-device cuda|cpu] [--program build/bench/bench-opencl]

ResNet-18 at 3x32x32 and a network of ResNet-50's shape at 3xSIZExSIZE, random weights, batch normalisations folded in.
One round is an attack end to end: inputs to the device, forward, loss, gradient with respect to the input, back, signed
step. Printed are medians over the rounds with the fastest and the slowest, FLOP/s counted as the direct method has them
(so that Winograd's savings count as speed, on both sides), their share of the fp32 peak where that is known, and the
ratio of the two sides. --compare compares every gradient with the processor's, bit by bit.

torch may choose its algorithms (cudnn.benchmark) and its tensors' layout: the better one counts. Where there is no torch
that uses a GPU, the line says so, and our side is still measured; --torch-device cpu tries torch's side where there is
no GPU, and says nothing of one.

Exit status: 0; 1 where a bit differs; 69 where there is no device, or no program; 70 where it failed otherwise.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNAVAILABLE, FAILED = 69, 70
WARM = 3  # rounds that choose algorithms and take memory
# fp32 units of a multiprocessor, by compute capability (CUDA C++ Programming Guide, throughput of arithmetic).
LANES = {"6.0": 64, "6.1": 128, "6.2": 128, "7.0": 64, "7.2": 64, "7.5": 64, "8.0": 64, "8.6": 128, "8.7": 128, "8.9": 128,
         "9.0": 128, "10.0": 128, "10.3": 128, "12.0": 128, "12.1": 128}


def open_torch(device):
    """torch with that device, or None; and what it is, or why there is none."""
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # before its libraries look
    try:
        import torch
    except (ImportError, OSError) as problem:
        return None, f"torch can't be had here ({problem})"
    if device == "cpu":
        return torch, f"torch {torch.__version__} on the processor, {torch.get_num_threads()} threads"
    try:
        if not torch.cuda.is_available():
            return None, f"torch {torch.__version__} sees no GPU"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        return torch, f"torch {torch.__version__} on {torch.cuda.get_device_name(0)}"
    except RuntimeError as problem:
        return None, f"torch {torch.__version__} can't use the GPU: {problem}"


def nvidia(field):
    """What NVIDIA's own program says of the first GPU, or None."""
    try:
        return subprocess.run(["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits"], check=True,
                              capture_output=True, text=True, timeout=60).stdout.splitlines()[0].strip()
    except (OSError, IndexError, subprocess.SubprocessError):
        return None


def peak_of(ours):
    """FLOP/s of an NVIDIA GPU's fp32 units at their highest clock, from the driver's figures; None where not known."""
    lanes, clock = LANES.get(nvidia("compute_cap")), nvidia("clocks.max.sm")
    if "NVIDIA" not in ours["vendor"] or lanes is None or clock is None:
        return None
    return 2 * lanes * ours["units"] * float(clock) * 1e6


def torch_model(torch, depth, device):
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
    return nn.Sequential(*layers).eval().requires_grad_(False).to(device)


def attack(torch, model, x, labels, device):
    own = x.to(device, non_blocking=True).detach().requires_grad_()
    torch.nn.functional.cross_entropy(model(own), labels, reduction="sum").backward()
    return (own.detach() + 0.03 * own.grad.sign()).clamp_(0, 1).cpu()  # waits for all of it


def torch_rounds(torch, depth, batch, size, rounds, device, layout):
    """Seconds of each round, in this layout of tensors."""
    model = torch_model(torch, depth, device).to(memory_format=layout)
    x = torch.rand(batch, 3, size, size).contiguous(memory_format=layout)
    labels = torch.zeros(batch, dtype=torch.long).to(device)
    taken = []
    if device == "cuda":
        x = x.pin_memory()
    for _ in range(WARM + rounds):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        attack(torch, model, x, labels, device)
        taken.append(time.perf_counter() - start)
    return taken[WARM:]


def measure_torch(torch, depth, size, arguments):
    """The better layout's rounds and its name, or None and what went wrong."""
    best, name = None, ""
    for layout in (torch.contiguous_format, torch.channels_last):
        try:
            taken = torch_rounds(torch, depth, arguments.batch, size, arguments.rounds, arguments.torch_device, layout)
        except RuntimeError as problem:  # out of memory is one
            name = str(problem).splitlines()[0]
            continue
        finally:
            if arguments.torch_device == "cuda":
                torch.cuda.empty_cache()
        if best is None or statistics.median(taken) < statistics.median(best):
            best, name = taken, str(layout).rsplit(".", 1)[-1]
    return best, name


def describe(median, least, most, operations, peak):
    rate = operations / median
    share = f"{100 * rate / peak:.1f}% of the fp32 peak of {peak / 1e12:.1f} TFLOP/s" if peak else "peak not known"
    return (f"{1000 * median:.2f} ms ({1000 * least:.2f} to {1000 * most:.2f}), {rate / 1e12:.3f} TFLOP/s counted as "
            f"direct, {share}")


def measure(arguments, torch, note, depth, size):
    """Prints both sides; an exit status."""
    command = [arguments.program, str(depth), str(arguments.batch), str(size), str(arguments.rounds)]
    finished = subprocess.run(command + (["compare"] if arguments.compare else []), capture_output=True, text=True,
                              check=False)
    name = f"ResNet-{depth}, 3x{size}x{size}, batch {arguments.batch}"
    try:
        ours = json.loads(finished.stdout)
    except ValueError:
        print(f"{name}: {finished.stderr.strip() or f'ended with status {finished.returncode}'}", flush=True)
        return finished.returncode if finished.returncode > 1 else FAILED
    peak = arguments.peak * 1e12 if arguments.peak else peak_of(ours)
    operations = 4 * ours["products"] * arguments.batch  # a product and a sum, forward and backward
    print(f"{name}\n  lazaret on {ours['device']}: "
          + describe(ours["seconds"], ours["least"], ours["most"], operations, peak)
          + (f"; bits {'the same' if ours['same'] else 'DIFFER'}" if arguments.compare else ""), flush=True)
    theirs, layout = (None, note) if torch is None else measure_torch(torch, depth, size, arguments)
    if theirs is None:
        print(f"  beside torch: not measured, as {layout}", flush=True)
    else:
        median = statistics.median(theirs)
        known = peak if arguments.torch_device == "cuda" else None
        print(f"  {note}, {layout}: " + describe(median, min(theirs), max(theirs), operations, known))
        print(f"  ratio {ours['seconds'] / median:.3f} of torch's time (goal: at most 1.0 on the same GPU)", flush=True)
    return 0 if ours["same"] else 1


def positive(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=positive, default=128)
    parser.add_argument("--size", type=positive, default=224)
    parser.add_argument("--rounds", type=positive, default=10)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--peak", type=float, help="of the device in fp32, in TFLOP/s, where it can't be found out")
    parser.add_argument("--torch-device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "bench" / "bench-opencl")
    arguments = parser.parse_args()
    if not os.access(arguments.program, os.X_OK):
        print(f"{arguments.program}: not built; cmake --build build --target bench-opencl", file=sys.stderr)
        return UNAVAILABLE
    torch, note = open_torch(arguments.torch_device)
    return max([measure(arguments, torch, note, depth, size) for depth, size in ((18, 32), (50, arguments.size))])


if __name__ == "__main__":
    sys.exit(main())
