# SPDX-License-Identifier: Apache-2.0
"""Tabular models and other formats of data, whole, by process isolation; figures of reference are sklearn's."""
import gzip
import json
import pathlib
import struct
import unittest

import numpy

import onnx_writer as onnx
from lazaret import CLEAN_CORRECT, DIGITS, INF_ROBUST, ROOT, Case, check_of, lazaret, main, write_npz

TREES = ROOT / "tests" / "fixtures" / "trees"
WINE = ROOT / "tests" / "fixtures" / "tabular" / "wine-mlp.npz"

POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 600, memoryMiB: 512, modelMiB: 64}
report: {inputs: samples}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  fgsm:
    required: false
    goal: untargeted
    restarts: 0
    curves:
      - {norm: inf, eps: [0.5, 1]}
    thresholds:
      - {norm: inf, eps: 0.5, bound: point, robustAccuracy: 0.0}
"""

FEATURES = 13
IMMUTABLE, INTEGER, HALF = 0, 4, 7  # columns with a rule of their own; magnesium is whole numbers


def read_fixture(name):
    """x, and sklearn's probabilities."""
    content = (TREES / (name + ".bin")).read_bytes()
    samples, features, classes = struct.unpack("<III", content[:12])
    x = numpy.frombuffer(content, "<f4", samples * features, 12).reshape(samples, features)
    return x, numpy.frombuffer(content, "<f8", offset=12 + 4 * x.size).reshape(samples, classes)


def idx(array, code):
    return struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def safetensors(**arrays):
    header, data = {}, b""
    names = {"float32": "F32", "int64": "I64"}
    for name, array in arrays.items():
        header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def mlp_onnx(wine):
    """Gemm and Relu, MatMul and Add, Gemm and Softmax: the chains that exporters write."""
    tensors = [onnx.tensor("w0", wine["w0"].T), *(onnx.tensor(name, wine[name]) for name in ("b0", "w1", "b1", "w2", "b2"))]
    nodes = [onnx.node("Gemm", ["x", "w0", "b0"], ["h0"], "first", [onnx.integer_attribute("transB", 1)]),
             onnx.node("Relu", ["h0"], ["r0"]),
             onnx.node("MatMul", ["r0", "w1"], ["m1"]), onnx.node("Add", ["m1", "b1"], ["h1"]),
             onnx.node("Relu", ["h1"], ["r1"]),
             onnx.node("Gemm", ["r1", "w2", "b2"], ["h2"], "last"),
             onnx.node("Softmax", ["h2"], ["probabilities"])]
    return onnx.model(nodes, tensors, [onnx.value("x", ["N", FEATURES])], [onnx.value("probabilities", ["N", 3])])


def feature_lines(x):
    """Each column's own range; one immutable, one integer, one moved by half of eps."""
    lines = []
    for i in range(FEATURES):
        low, high = (float(f(x[:, i])) for f in (numpy.min, numpy.max))
        more = {IMMUTABLE: ", immutable: true", INTEGER: ", type: integer", HALF: ", epsScale: 0.5"}.get(i, "")
        lines.append(f"  - {{name: f{i}, range: [{low!r}, {high!r}]{more}}}")
    return "\n".join(lines)


class Tabular(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(POLICY)
        wine = numpy.load(WINE)  # sklearn's MLP over standardised features; the scaling is the spec's, a channel each
        cls.x, cls.y, mean, std = (wine[name] for name in ("x", "y", "mean", "std"))
        cls.expected = int((wine["predictions"] == cls.y).sum())
        cls.model = cls.folder / "wine.onnx"
        cls.model.write_bytes(mlp_onnx(wine))
        cls.test = write_npz(cls.folder / "wine.npz", x=cls.x, y=cls.y)
        cls.spec = cls.folder / "wine.yaml"
        cls.spec.write_text(f"layout: ND\nclasses: 3\nmean: {mean.tolist()}\nstd: {std.tolist()}\n"
                            f"features:\n{feature_lines(cls.x)}\n")
        cls.run_wine, cls.wine = cls.evaluate("wine", model=cls.model, test=cls.test, train=None, spec=cls.spec,
                                              extra=["--policy", cls.policy, "--samples", 60])

    def test_accuracy(self):
        self.assertIn(self.run_wine.returncode, (0, 2), self.run_wine.stdout + self.run_wine.stderr)
        accuracy = check_of(self.evaluation_of(self.wine), "clean-accuracy")
        self.assertEqual((accuracy["correct"], accuracy["total"]), (self.expected, len(self.y)))

    def test_attack_keeps_to_the_features(self):
        points = check_of(self.evaluation_of(self.wine), "fgsm")["curves"][0]["points"]
        self.assertLess(points[-1]["robustCorrect"], self.expected)
        clean = self.x[:60]
        moved = numpy.load(self.wine / "samples.npz")["fgsm_inf_1"]
        self.assertTrue((moved[:, IMMUTABLE] == clean[:, IMMUTABLE]).all())
        self.assertTrue((moved[:, INTEGER] == numpy.round(moved[:, INTEGER])).all())
        self.assertLessEqual(float(numpy.abs(moved - clean)[:, HALF].max()), 0.5 + 1e-5)
        low, high = self.x.min(axis=0), self.x.max(axis=0)
        rounding = 1e-6 * numpy.maximum(abs(low), abs(high))  # the step back onto the ball comes after the clipping
        self.assertTrue((moved >= low - rounding).all() and (moved <= high + rounding).all())
        self.assertGreater(float(numpy.abs(moved - clean).max()), 0.9)

    def test_data_outside_the_features(self):
        x = self.x.copy()
        x[5, 2] = 1e4
        finished, output = self.evaluate("outside", model=self.model, train=None, spec=self.spec,
                                         test=write_npz(self.folder / "outside.npz", x=x, y=self.y))
        self.assertEqual(finished.returncode, 65)
        self.assertIn("sample 5", finished.stderr)
        self.assertFalse(output.exists())

    def test_replay(self):
        finished = lazaret("replay", self.wine, "--key", self.public, "--model", self.model, "--test", self.test,
                           "--isolation", "process", "--quiet")
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)


    def test_recheck(self):
        """What the spec says of features holds for the inputs that a recheck opens."""
        policy = self.folder / "recheck.yaml"
        policy.write_text(POLICY.replace("minimumSamples", "recheck: 40\nminimumSamples"))
        finished, output = self.evaluate("rechecked", model=self.model, test=self.test, train=None, spec=self.spec,
                                         extra=["--policy", policy])
        self.assertIn(finished.returncode, (0, 2), finished.stdout + finished.stderr)
        recheck = json.loads((output / "execution.json").read_text())["recheck"]
        self.assertEqual((recheck["adversarial"], recheck["agreed"]), (40, 80))


class Forests(Case):
    def evaluate_forest(self, name, policy_text=POLICY, output=None):
        x, probabilities = read_fixture(name)
        policy = self.folder / "policy.yaml"
        policy.write_text(policy_text)
        spec = self.folder / (name + ".yaml")
        spec.write_text(f"layout: ND\nrange: [{float(x.min()) - 1!r}, {float(x.max()) + 1!r}]\n")
        finished, output = self.evaluate(
            output or name, model=TREES / (name + ".onnx"), train=None, spec=spec, extra=["--policy", policy],
            test=write_npz(self.folder / (name + ".npz"), x=x, y=probabilities.argmax(axis=1)))
        self.assertIn(finished.returncode, (0, 2), finished.stdout + finished.stderr)
        return self.evaluation_of(output), len(x)

    def test_recheck_without_gradients(self):
        """The guest skips the one attack: clean inputs alone are predicted again."""
        _, count = self.evaluate_forest("tree-iris", POLICY.replace("minimumSamples", "recheck: 30\nminimumSamples"),
                                        "rechecked-tree")
        execution = json.loads((self.folder / "rechecked-tree" / "execution.json").read_text())
        self.assertEqual([run["purpose"] for run in execution["runs"]], ["evaluation", "prediction"])
        self.assertEqual((execution["recheck"]["adversarial"], execution["recheck"]["agreed"]), (0, min(30, count)))

    def test_predictions_are_sklearn_s(self):
        for name in ("forest-digits", "forest-cancer", "boosting-cancer", "boosting-wine", "tree-iris"):
            with self.subTest(name):
                evaluation, count = self.evaluate_forest(name)
                self.assertEqual(check_of(evaluation, "clean-accuracy")["correct"], count)
                fgsm = check_of(evaluation, "fgsm")
                self.assertEqual(fgsm["status"], "skipped")
                self.assertIn("gradient", json.dumps(fgsm))

    def test_a_linear_model_has_a_gradient(self):
        evaluation, count = self.evaluate_forest("logistic-wine")
        self.assertEqual(check_of(evaluation, "clean-accuracy")["correct"], count)
        self.assertNotEqual(check_of(evaluation, "fgsm")["status"], "skipped")


class Formats(Case):
    """The digits in each format: the same figures."""

    def check_digits(self, name, test):
        finished, output = self.evaluate(name, test=test, train=None)
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        evaluation = self.evaluation_of(output)
        self.assertEqual(check_of(evaluation, "clean-accuracy")["correct"], CLEAN_CORRECT)
        curve = next(c for c in check_of(evaluation, "fgsm")["curves"] if c["norm"] == "inf")
        self.assertEqual([p["robustCorrect"] for p in curve["points"]], INF_ROBUST)
        return output

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def test_formats(self):
        digits = numpy.load(DIGITS / "test.npz")
        x, y = digits["x"], digits["y"].astype("int64")
        images, labels = idx(x[:, 0].astype(">f4"), 0x0D), idx(y.astype("uint8"), 0x08)
        self.write("t-images-idx3-float.gz", gzip.compress(images))
        self.write("t-labels-idx1-float.gz", gzip.compress(labels))
        with self.subTest("IDX, by the conventional names"):
            output = self.check_digits("idx", self.folder / "t-images-idx3-float.gz")
            names = [r["name"] for r in json.loads(self.statement(output))["predicate"]["configuration"]]
            self.assertIn("test-labels", names)
        with self.subTest("IDX, both named"):
            pair = f"{self.write('a.idx', images)},{self.write('b.idx', labels)}"
            self.check_digits("pair", pathlib.PurePosixPath(pair))
        with self.subTest("safetensors"):
            self.check_digits("tensors", self.write("digits.bin", safetensors(x=x.astype("float32"), y=y)))

    def test_triggers(self):
        """The backdoor's own patch turns every input to class 0, a dot elsewhere none."""
        x, mask = numpy.zeros((2, 1, 8, 8), "float32"), numpy.zeros((2, 8, 8), "float32")
        x[0, 0, 6:, 6:] = mask[0, 6:, 6:] = 1
        x[1, 0, 0, 0] = mask[1, 0, 0] = 1
        triggers = write_npz(self.folder / "triggers.npz", x=x, mask=mask)
        finished, output = self.evaluate("triggers", model=DIGITS / "bd15.onnx", train=None,
                                         extra=["--triggers", triggers])
        self.assertEqual(finished.returncode, 1, finished.stdout + finished.stderr)
        found = check_of(self.evaluation_of(output), "trigger-scan")["triggers"]
        self.assertEqual((found[0]["target"], found[0]["flipped"]), (0, found[0]["eligible"]))
        self.assertEqual(found[1]["flipped"], 0)

    def statement(self, output):
        import base64
        bundle = json.loads((output / "result.sigstore.json").read_text())
        return base64.b64decode(bundle["dsseEnvelope"]["payload"])

    def test_files_beside_the_spec(self):
        """A mask: what it forbids stays; the file travels with the result, so that a replay finds it."""
        folder = self.folder / "masked-spec"
        folder.mkdir()
        mask = numpy.ones((8, 8), "float32")
        mask[:4] = 0
        numpy.save(folder / "upper.npy", mask)
        spec = folder / "spec.yaml"
        spec.write_text((DIGITS / "spec.yaml").read_text() + "\nmask: {file: upper.npy}\n")
        finished, output = self.evaluate("masked", train=None, spec=spec, extra=["--samples", 8])
        self.assertIn(finished.returncode, (0, 2), finished.stdout + finished.stderr)
        moved = numpy.load(output / "samples.npz")["fgsm_inf_0.1"]
        clean = numpy.load(DIGITS / "test.npz")["x"][:8]
        self.assertTrue((moved[:, :, :4] == clean[:, :, :4]).all())
        self.assertFalse((moved == clean).all())
        self.assertTrue((output / "upper.npy").exists())
        finished = lazaret("replay", output, "--key", self.public, "--model", DIGITS / "clean.onnx", "--test",
                           DIGITS / "test.npz", "--isolation", "process", "--quiet")
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)


if __name__ == "__main__":
    main()
