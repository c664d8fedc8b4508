# SPDX-License-Identifier: Apache-2.0
"""run_templates.py BUILD ROOT FOLDER: the steps of examples/ci, run by sh -e as their CI systems do."""
import os
import re
import shutil
import subprocess
import sys

import yaml

build, root, work = (os.path.abspath(p) for p in sys.argv[1:])
digits = os.path.join(root, "examples/digits")


class Template:
    """The steps of one CI system, as a shell gets them."""

    def __init__(self, name):
        with open(os.path.join(root, "examples/ci", name), encoding="utf-8") as file:
            self.text = file.read()
        self.document = yaml.safe_load(self.text)

    def defaults(self):
        raise NotImplementedError


class GitHub(Template):
    """The steps with `run`, each a shell of its own; outputs travel in a file."""

    def __init__(self):
        super().__init__("github-actions.yml")
        self.steps = self.document["jobs"]["evaluate"]["steps"]
        uses = [s["uses"].split("@")[0] for s in self.steps if "uses" in s]
        assert "actions/upload-artifact" in uses and "github/codeql-action/upload-sarif" in uses, uses
        assert self.document["permissions"] == {"contents": "read", "security-events": "write"}
        for step in self.steps:
            if step.get("uses", "").startswith(("actions/upload", "github/codeql")):
                assert step["if"].startswith("always()"), "evidence is kept of failures too"

    def defaults(self):
        return self.document["env"]

    def run(self, environment, key):
        output = os.path.join(environment["RUNNER_TEMP"], "output")
        open(output, "w", encoding="utf-8").close()
        with open(key, encoding="utf-8") as file:
            secret = file.read().rstrip("\n")
        status = 0
        for step in (s for s in self.steps if "run" in s):
            with open(output, encoding="utf-8") as file:
                outputs = dict(line.rstrip("\n").split("=", 1) for line in file)
            given = {"secrets.LAZARET_KEY": secret, "steps.evaluate.outputs.status": outputs.get("status", "")}
            own = {k: re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: given[m[1]], v) for k, v in step.get("env", {}).items()}
            r = shell(step["run"], {**environment, **own, "GITHUB_OUTPUT": output})
            status = status or r
        assert os.listdir(environment["RUNNER_TEMP"]) == ["output"], "the key is left behind"
        return status


class GitLab(Template):
    """One job: its script's lines in one shell, then after_script."""

    def __init__(self):
        super().__init__("gitlab-ci.yml")
        self.job = self.document["evaluate-model"]
        artifacts = self.job["artifacts"]
        assert artifacts["when"] == "always" and artifacts["reports"]["junit"] == "lazaret-result/junit.xml"

    def defaults(self):
        return self.document["variables"]

    def run(self, environment, key):
        loose = os.path.join(environment["RUNNER_TEMP"], "variable")  # as a runner writes it: readable by others
        shutil.copyfile(key, loose)
        os.chmod(loose, 0o644)
        environment = {**environment, "LAZARET_KEY": loose}
        status = shell("\n".join(self.job["script"]), environment)
        assert shell("\n".join(self.job["after_script"]), environment) == 0
        assert not os.path.exists("lazaret-key.pem"), "the key is left behind"
        return status


def shell(script, environment):
    done = subprocess.run(["sh", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 69:
        print("SKIPPED: nothing can be evaluated here:", done.stderr.strip())
        sys.exit(77)
    return done.returncode


def check(template, name, expected, verdict, variables):
    folder = os.path.join(work, type(template).__name__ + "-" + name)
    temporary = os.path.join(folder, "temp")
    os.makedirs(temporary)
    os.chdir(folder)
    environment = {**os.environ, **template.defaults(), **variables, "RUNNER_TEMP": temporary,
                   "PATH": build + ":" + os.environ["PATH"]}
    status = template.run(environment, key)
    assert status == expected, f"{type(template).__name__} {name}: status {status}, not {expected}"
    for file in ("result.sigstore.json", "report.html", "junit.xml"):
        assert os.path.exists(os.path.join("lazaret-result", file)), f"{name}: no {file}"
    with open("lazaret-result/junit.xml", encoding="utf-8") as file:
        assert f'name="verdict" value="{verdict}"' in file.read(), f"{name}: another verdict"


os.environ["LAZARET_STATE"] = os.path.join(work, "state")
os.makedirs(os.environ["LAZARET_STATE"])
key = os.path.join(work, "signer.pem")
subprocess.run([os.path.join(build, "lazaret"), "keygen", "-o", key[:-4]], check=True, stdout=subprocess.DEVNULL)
common = f"--isolation process --spec {digits}/spec.yaml"
clean = {"MODEL": f"{digits}/clean.onnx", "TEST_SET": f"{digits}/test.npz", "LAZARET_OPTIONS": common}
bad = {**clean, "MODEL": f"{digits}/bd15.onnx", "LAZARET_OPTIONS": f"{common} --train {digits}/train-bd15.npz"}
review = {**clean, "POLICY": os.path.join(work, "review.yaml")}
broken = {**clean, "MODEL": os.path.join(work, "broken.onnx")}
with open(review["POLICY"], "w", encoding="utf-8") as out:
    out.write("tier: low\nisolation: [process]\nminimumSamples: 100000\nchecks:\n"
              "  clean-accuracy: {required: true, accuracy: 0.8}\n")
with open(broken["MODEL"], "w", encoding="utf-8") as out:
    out.write("no model")
for kind in (GitHub, GitLab):
    check(kind(), "passed", 0, "passed", clean)
    check(kind(), "rejected", 1, "rejected", bad)
    check(kind(), "review", 2, "needs-review", review)
    check(kind(), "allowed", 0, "needs-review", {**review, "NEEDS_REVIEW": "allow"})
    check(kind(), "broken", 3, "could-not-evaluate", broken)
print("the templates' steps fail with the model")
