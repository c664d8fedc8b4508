#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which models the zoo holds: one entry a model, from fixed seeds.

The development half is there to tune rules on; the held-out half has other seeds, architectures and
attacks, and is looked at once the rules are frozen.
"""
import random

RATES = [0.01, 0.02, 0.05, 0.10, 0.15]
HALVES = {
    "development": {
        "seed": 1000,
        "architectures": ["cnn", "mlp", "resnet"],
        "attacks": {"none": 52, "patch": 28, "blend": 16, "all-to-all": 11},
    },
    "held-out": {
        "seed": 77000,
        "architectures": ["vgg", "mobile", "gelu", "cnn"],
        "attacks": {"none": 52, "patch": 12, "blend": 10, "warp": 11, "clean-label": 12, "all-to-all": 10,
                    "input-aware": 10},
    },
}


def entries():
    for half, plan in HALVES.items():
        rng = random.Random(plan["seed"])
        number = 0
        for attack, count in plan["attacks"].items():
            for i in range(count):
                yield {
                    "id": f"{half}-{number:03d}",
                    "half": half,
                    "data": ["digits", "fashion"][i % 2],
                    "architecture": plan["architectures"][(i // 2) % len(plan["architectures"])],
                    "attack": attack,
                    "rate": rng.choice(RATES) if attack != "none" else 0.0,
                    "target": rng.randrange(10),
                    "seed": plan["seed"] + number,
                }
                number += 1
