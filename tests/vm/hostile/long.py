# SPDX-License-Identifier: Apache-2.0
"""The long form of the hostile-guest suite; tests/vm/hostile/run starts it in namespaces of its own."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile

from guests import BUILD, Guests, lazaret  # first: finds the helpers of whole evaluations

import cases
import suite

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from leftovers import Leftovers  # noqa: E402

VERDICTS = {0: "passed", 1: "rejected", 2: "needs review", 3: "could not evaluate"}
REASON_SHOWN = 150


def parse():
    parser = argparse.ArgumentParser(prog="tests/vm/hostile/run")
    parser.add_argument("--times", type=int, default=2, help="runs of each case in a VM")
    parser.add_argument("--process-times", type=int, default=3, help="runs of each case as a process")
    parser.add_argument("--waiting", type=int, default=suite.WAITING["microvm"], metavar="SECONDS",
                        help="deadline in a VM of a case that is meant to run into it; a boot must fit")
    parser.add_argument("--log", type=pathlib.Path, default=BUILD / "hostile.jsonl")
    parser.add_argument("--table", type=pathlib.Path, default=BUILD / "hostile.md")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    return parser.parse_args()


def rows_of(log):
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def largest(rows, figure):
    return max(row[figure] for row in rows)


def plain(text):
    """A reason for a table's cell."""
    text = text if len(text) <= REASON_SHOWN else text[:REASON_SHOWN] + "…"
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def table(rows):
    """case | tried how often | verdict | reason | seconds | MiB of memory | MiB of disk"""
    lines = ["| case | tried: in VMs, as processes | verdict | reason | seconds | memory, MiB | disk, MiB |",
             "|---|---|---|---|---|---|---|"]
    for case in cases.ALL:
        mine = [row for row in rows if row["case"] == case.name]
        if not mine:
            continue
        vms = [row for row in mine if row["isolation"] == "microvm"]
        verdicts = sorted({VERDICTS.get(row["status"], str(row["status"])) for row in mine})
        reasons = sorted({row["reason"] for row in vms or mine})
        lines.append(f"| `{case.name}` | {len(vms)}, {len(mine) - len(vms)} | {', '.join(verdicts)} | "
                     f"{'; or: '.join(map(plain, reasons))} | {largest(mine, 'wall')} | {largest(mine, 'memory')} | "
                     f"{largest(mine, 'disk')} |")
    return "\n".join(lines) + "\n"


def main():
    options = parse()
    suite.WAITING["microvm"] = options.waiting
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hostile-"))
    made = lazaret("keygen", "-o", folder / "key")
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    guests, public = Guests(folder, folder / "key.pem"), folder / "key.pub.pem"
    guests.prepare_image()
    chosen = [case for case in cases.ALL if not options.cases or case.name in options.cases]
    for turn in range(max(options.times, options.process_times)):
        for case in chosen:
            for isolation, runs, times in (("process", case.process, options.process_times),
                                           ("microvm", case.microvm, options.times)):
                done = [row for row in rows_of(options.log) if row["case"] == case.name and row["isolation"] == isolation]
                if not runs or turn >= times or len(done) > turn:
                    continue
                run_once(options, guests, public, case, isolation, turn)
    rows = rows_of(options.log)
    options.table.write_text(table(rows))
    bad = [row for row in rows if row["problem"]]
    for row in bad:
        print(f"FAILED {row['case']} ({row['isolation']}): {row['problem']}")
    print(f"{len(rows)} runs of {len({row['case'] for row in rows})} cases, {len(bad)} not as they should be; "
          f"{options.table}")
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if bad else 0


def run_once(options, guests, public, case, isolation, turn):
    guests.make_ready(case.mode, isolation)
    before = Leftovers(places=[guests.folder])

    def nothing_left(output):
        left = before.compare(expect=[output, *guests.own_files()], settle=3.0)
        suite.expect(not left, f"left behind: {left}")

    row = suite.run_case(guests, public, case, isolation, turn, nothing_left)
    shutil.rmtree(row.pop("output"), ignore_errors=True)
    with options.log.open("a") as log:
        log.write(json.dumps(row) + "\n")
    print(f"{case.name:28} {isolation:8} {row['status']} {row['wall']:6.1f} s {row['memory']:5.1f} MiB "
          f"{row['problem'] or row['reason'][:100]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
