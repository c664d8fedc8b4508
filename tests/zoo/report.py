#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tabulates the zoo's results as Markdown: usage: report.py OUT POLICY… > docs/zoo.md."""
import collections
import json
import math
import pathlib
import sys

import plan

CHECKS = ("activation-clustering", "trigger-scan", "neural-cleanse")
Z = 1.959963984540054


def wilson(part, whole):
    if whole == 0:
        return 0.0, 1.0
    share, square = part / whole, Z * Z
    centre, spread = share + square / (2 * whole), Z * math.sqrt(share * (1 - share) / whole + square / (4 * whole ** 2))
    return (centre - spread) / (1 + square / whole), (centre + spread) / (1 + square / whole)


def share(part, whole):
    low, high = wilson(part, whole)
    return f"{part}/{whole} ({abs(low):.2f}–{high:.2f})" if whole else "–"  # no -0.00


def read(out, policies):
    """Every model whose backdoor took, with what each policy's checks said of it, as far as it was evaluated."""
    models, lost = [], []
    for entry in plan.entries():
        record = out / entry["id"] / "entry.json"
        if not record.exists():
            lost.append((entry["id"], "not trained"))
            continue
        model = json.loads(record.read_text())
        if not model["took"]:
            lost.append((entry["id"], f"the backdoor did not take ({model['attack']})"))
            continue
        results = {policy: out / entry["id"] / f"{policy}.json" for policy in policies}
        lost += [(entry["id"], f"not evaluated under {policy}, and not counted there")
                 for policy, result in results.items() if not result.exists()]
        model["checks"] = {policy: {c["id"]: c for c in json.loads(result.read_text())["checks"]}
                           for policy, result in results.items() if result.exists()}
        models.append(model)
    return models, lost


def flagged(model, policy, check):
    """failed: True; passed or warned: False; None: not evaluated, skipped, or not in the policy."""
    found = model["checks"].get(policy, {}).get(check)
    return None if found is None or found["status"] == "skipped" else found["status"] == "failed"


def alarmed(model, policy):
    """Whether any check failed; None: not evaluated under the policy."""
    return any(flagged(model, policy, check) for check in CHECKS) if policy in model["checks"] else None


def detected(models, policy):
    found = [a for a in (alarmed(m, policy) for m in models) if a is not None]
    return share(sum(found), len(found))


def row(models, label, test):
    clean = [test(m) for m in models if m["attack"] == "none"]
    bad = [test(m) for m in models if m["attack"] != "none"]
    clean, bad = [v for v in clean if v is not None], [v for v in bad if v is not None]
    return f"| {label} | {share(sum(bad), len(bad))} | {share(sum(clean), len(clean))} |"


def name_errors(models, policy):
    print(f"\nMissed by `{policy}`:\n")
    for m in models:
        if m["attack"] != "none" and alarmed(m, policy) is False:
            print(f"- {m['id']}: {m['attack']}, {m['data']}, {m['architecture']}, poison {m['rate']:.0%}, "
                  f"success {m['success']:.2f}")
    print(f"\nFalse alarms of `{policy}`:\n")
    for m in models:
        if m["attack"] == "none" and alarmed(m, policy):
            said = [c for c in CHECKS if flagged(m, policy, c)]
            print(f"- {m['id']}: {m['data']}, {m['architecture']}: {', '.join(said)}")


def half_tables(models, policies, half):
    chosen = [m for m in models if m["half"] == half]
    print(f"\n## The {half} half: {sum(m['attack'] != 'none' for m in chosen)} backdoored, "
          f"{sum(m['attack'] == 'none' for m in chosen)} clean\n")
    print("| policy, check | detected (Wilson 95%) | false alarms |\n|---|---|---|")
    for policy in policies:
        for check in CHECKS:
            print(row(chosen, f"{policy}: {check}", lambda m, p=policy, c=check: flagged(m, p, c)))
        print(row(chosen, f"**{policy}: any of them**", lambda m, p=policy: alarmed(m, p)))
    attacks = sorted({m["attack"] for m in chosen} - {"none"})
    print("\n| attack | models |" + "".join(f" {p} |" for p in policies) + "\n|---|---|" + "---|" * len(policies))
    for attack in attacks:
        those = [m for m in chosen if m["attack"] == attack]
        print(f"| {attack} | {len(those)} |" + "".join(
            f" {detected(those, p)} |" for p in policies))
    for policy in policies:
        name_errors(chosen, policy)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out, policies = pathlib.Path(sys.argv[1]), sys.argv[2:]
    models, lost = read(out, policies)
    counts = collections.Counter(m["attack"] != "none" for m in models)
    print(f"Of {len(list(plan.entries()))} models, {counts[True]} backdoored and {counts[False]} clean ones count.")
    for half in plan.HALVES:
        if any(m["half"] == half for m in models):
            half_tables(models, policies, half)
    print("\n## Not counted\n")
    for (half, why), count in sorted(collections.Counter((name.rsplit("-", 1)[0], why) for name, why in lost).items()):
        print(f"- {half}: {count} {why}")


if __name__ == "__main__":
    main()
