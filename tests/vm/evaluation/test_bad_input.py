# SPDX-License-Identifier: Apache-2.0
"""Bad input: each kind has its exit status, a message that names file and place, and leaves nothing behind."""
import json
import os
import subprocess
import unittest

import numpy

import onnx_writer as onnx
from lazaret import DIGITS, LAZARET, Case, check_of, evaluate_arguments, has_microvm, lazaret, main, write_npz

BAD_INPUT, NO_INPUT, UNAVAILABLE, USAGE, COULD_NOT_EVALUATE, REJECTED = 65, 66, 69, 64, 3, 1

ACCURACY_ONLY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 600, memoryMiB: 512, modelMiB: 4096}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.0}
"""


def chain(length, cyclic=False):
    """Relu after Relu; a cycle feeds the last one's output to the first."""
    nodes = [onnx.node("Relu", ["input" if i == 0 and not cyclic else f"v{i}"], [f"v{i + 1}"], f"relu{i}")
             for i in range(length)]
    if cyclic:
        nodes[0] = onnx.node("Add", ["input", f"v{length}"], ["v1"], "closes")
    nodes.append(onnx.node("Flatten", [f"v{length}"], ["flat"], "flatten"))
    nodes.append(onnx.node("Gemm", ["flat", "w"], ["logits"], "head"))
    weights = onnx.tensor("w", numpy.zeros((64, 10), dtype="float32"))
    return onnx.model(nodes, [weights], [onnx.value("input", ["N", 1, 8, 8])], [onnx.value("logits", ["N", 10])])


class Refusals(Case):
    def refuse(self, status, *words, **options):
        """Runs an evaluation that must end with `status` and say every word; only a signed result may remain."""
        output = self.folder / "out"
        finished = lazaret(*evaluate_arguments(output, self.key, **options))
        text = finished.stdout + finished.stderr
        self.assertEqual(finished.returncode, status, text)
        for word in words:
            self.assertIn(word, text)
        if status in (COULD_NOT_EVALUATE, REJECTED):
            verified = lazaret("verify", output, "--key", self.public)
            self.assertEqual(verified.returncode, 0, verified.stdout)
            for file in output.iterdir():
                file.unlink()
            output.rmdir()
        self.assertFalse(output.exists())
        self.assert_nothing_left()
        return text

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def digits_with(self, name, change):
        arrays = dict(numpy.load(DIGITS / "test.npz"))
        change(arrays)
        return write_npz(self.folder / name, **arrays)


class BadInput(Refusals):
    # --- files -------------------------------------------------------------------------------------

    def test_no_such_model(self):
        self.refuse(NO_INPUT, "nowhere.onnx", model=self.folder / "nowhere.onnx")

    def test_no_such_test_set(self):
        self.refuse(NO_INPUT, "nowhere.npz", test=self.folder / "nowhere.npz")

    def test_folder_for_a_model(self):
        self.refuse(NO_INPUT, "not a regular file", model=self.folder)

    def test_empty_model(self):
        self.refuse(BAD_INPUT, "empty.onnx", "empty", model=self.file("empty.onnx", b""))

    def test_output_is_there_already(self):
        (self.folder / "taken").mkdir(exist_ok=True)
        finished = lazaret(*evaluate_arguments(self.folder / "taken", self.key))
        self.assertEqual(finished.returncode, USAGE)
        self.assertIn("taken", finished.stderr)

    # --- models ------------------------------------------------------------------------------------

    def test_truncated_model(self):
        whole = (DIGITS / "clean.onnx").read_bytes()
        for size in (1, 100, 50000, len(whole) - 1):
            with self.subTest(size):
                self.refuse(COULD_NOT_EVALUATE, "truncated.onnx", "bad-model",
                            model=self.file("truncated.onnx", whole[:size]))

    def test_not_a_model(self):
        self.refuse(COULD_NOT_EVALUATE, "noise.onnx", "bad-model", model=self.file("noise.onnx", os.urandom(5000)))

    def test_unsupported_operator(self):
        content = onnx.model([onnx.node("Det", ["input"], ["logits"], "odd-one")], [],
                             [onnx.value("input", ["N", 1, 8, 8])], [onnx.value("logits", ["N", 1])])
        self.refuse(COULD_NOT_EVALUATE, "det.onnx", "unsupported-model", "Det", "odd-one",
                    model=self.file("det.onnx", content))

    def test_cyclic_graph(self):
        self.refuse(COULD_NOT_EVALUATE, "bad-model", "cycl", model=self.file("cycle.onnx", chain(5, cyclic=True)))

    def test_deep_graph(self):
        """30,000 nodes in a row: evaluated or refused by a named limit, never a crash."""
        finished, output = self.evaluate("deep", model=self.file("deep.onnx", chain(30000)), train=None)
        self.assertIn(finished.returncode, (0, 1, 2, 3), finished.stderr)
        for word in ("crash", "signal", "forbidden"):
            self.assertNotIn(word, finished.stdout)
        self.assertTrue((output / "result.sigstore.json").exists())

    def test_shape_of_the_data(self):
        test = write_npz(self.folder / "wide.npz", x=numpy.zeros((4, 1, 28, 28), "float32"), y=numpy.arange(4))
        self.refuse(COULD_NOT_EVALUATE, "shape-mismatch", "28", "8", test=test, train=None)

    # --- data --------------------------------------------------------------------------------------

    def test_dtype(self):
        self.refuse(BAD_INPUT, "dtype.npz", "x", "<c8",
                    test=self.digits_with("dtype.npz", lambda a: a.update(x=a["x"].astype("complex64"))))

    def test_object_array(self):
        path = self.folder / "object.npz"
        numpy.savez(path, x=numpy.array([{}], dtype=object), y=numpy.zeros(1, "int64"))
        self.refuse(BAD_INPUT, "object.npz", "x", test=path)

    def test_float_labels(self):
        self.refuse(BAD_INPUT, "floaty.npz", "y",
                    test=self.digits_with("floaty.npz", lambda a: a.update(y=a["y"].astype("float32"))))

    def test_label_beyond_the_classes(self):
        self.refuse(BAD_INPUT, "label.npz", "y", "10",
                    test=self.digits_with("label.npz", lambda a: a["y"].__setitem__(17, 10)))

    def test_label_beyond_the_model_without_a_spec(self):
        """That the model has 10 classes is the guest's word here: it may not end the job without a signed result."""
        self.refuse(COULD_NOT_EVALUATE, "label2.npz", "y", "12", spec=None,
                    test=self.digits_with("label2.npz", lambda a: a["y"].__setitem__(17, 12)))

    def test_negative_label(self):
        self.refuse(BAD_INPUT, "negative.npz", "y", "17",
                    test=self.digits_with("negative.npz", lambda a: a["y"].__setitem__(17, -1)))

    def test_nan(self):
        self.refuse(BAD_INPUT, "nan.npz", "x", "33",
                    test=self.digits_with("nan.npz", lambda a: a["x"].__setitem__((33, 0, 2, 2), numpy.nan)))

    def test_out_of_range(self):
        self.refuse(BAD_INPUT, "range.npz", "x", "44",
                    test=self.digits_with("range.npz", lambda a: a["x"].__setitem__((44, 0, 0, 0), 7.0)))

    def test_lengths_differ(self):
        self.refuse(BAD_INPUT, "short.npz", test=self.digits_with("short.npz", lambda a: a.update(y=a["y"][:-1])))

    def test_one_class_only(self):
        def keep(arrays):
            chosen = arrays["y"] == 4
            arrays.update(x=arrays["x"][chosen], y=arrays["y"][chosen])
        self.refuse(BAD_INPUT, "single.npz", "one class, 4", test=self.digits_with("single.npz", keep))

    def test_an_empty_class(self):
        """Test data without class 3: counted as 0 of 0; what needs it says so."""
        def keep(arrays):
            chosen = arrays["y"] != 3
            arrays.update(x=arrays["x"][chosen], y=arrays["y"][chosen])
        test = self.digits_with("no3.npz", keep)
        finished, output = self.evaluate("no3", test=test)
        self.assertIn(finished.returncode, (0, 2), finished.stdout + finished.stderr)
        accuracy = check_of(self.evaluation_of(output), "clean-accuracy")
        self.assertEqual(accuracy["perClass"][3]["total"], 0)

    def test_truncated_npz(self):
        whole = (DIGITS / "test.npz").read_bytes()
        self.refuse(BAD_INPUT, "cut.npz", test=self.file("cut.npz", whole[:9000]))

    def test_no_labels(self):
        self.refuse(BAD_INPUT, "bare.npz", "y", test=self.digits_with("bare.npz", lambda a: a.pop("y")))

    def test_unknown_key_in_the_spec(self):
        self.refuse(BAD_INPUT, "odd.yaml", spec=self.file("odd.yaml", "range: [0, 1]\nrnage: [0, 1]\n"))

    def test_unknown_key_in_the_policy(self):
        policy = self.file("odd-policy.yaml", ACCURACY_ONLY + "speed: fast\n")
        self.refuse(BAD_INPUT, "odd-policy.yaml", extra=["--policy", policy])

    # --- limits --------------------------------------------------------------------------------------

    def test_policy_forbids_processes(self):
        policy = self.file("vm-only.yaml", ACCURACY_ONLY.replace("[microvm, process]", "[microvm]"))
        self.refuse(REJECTED, "process", extra=["--policy", policy])

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small disk")
    def test_full_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
        try:
            finished = lazaret(*evaluate_arguments(disk / "out", self.key))
            self.assertEqual(finished.returncode, UNAVAILABLE, finished.stderr)
            self.assertIn("space", finished.stderr)
            self.assertEqual(list(disk.iterdir()), [])
        finally:
            subprocess.run(["umount", disk], check=True)
        self.assert_nothing_left()


@unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
class BadInputInAVm(Refusals):
    """What needs the VM itself."""

    def test_data_larger_than_memory(self):
        """240 MiB of inputs through a guest of 160 MiB."""
        x = numpy.zeros((400, 3, 224, 224), "float32")
        x[:200, 1] = x[200:, 2] = 0.5  # the channel is the class
        test = write_npz(self.folder / "large.npz", x=x, y=numpy.repeat([1, 2], 200))
        del x
        head = numpy.eye(3, dtype="float32")
        content = onnx.model([onnx.node("GlobalAveragePool", ["input"], ["mean"], "mean"),
                              onnx.node("Flatten", ["mean"], ["flat"], "flatten"),
                              onnx.node("Gemm", ["flat", "w"], ["logits"], "head")],
                             [onnx.tensor("w", head)], [onnx.value("input", ["N", 3, 224, 224])],
                             [onnx.value("logits", ["N", 3])])
        policy = self.file("accuracy.yaml", ACCURACY_ONLY)
        finished, output = self.evaluate("large", model=self.file("mean.onnx", content), test=test, train=None, spec=None,
                                         isolation="microvm", extra=["--memory", 160, "--policy", policy])
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        evaluation = json.loads((output / "evaluation.json").read_text())
        self.assertEqual((evaluation["checks"][0]["correct"], evaluation["checks"][0]["total"]), (400, 400))

    def test_model_larger_than_memory(self):
        model = self.folder / "huge.onnx"
        with open(model, "wb") as file:
            file.truncate(600 << 20)
        self.refuse(COULD_NOT_EVALUATE, "huge.onnx", "MiB", "--memory", model=model, isolation="microvm",
                    extra=["--memory", 256])

    def test_no_qemu(self):
        output = self.folder / "no-qemu"
        command = ["unshare", "--mount", "sh", "-c",
                   'mount --bind /dev/null /usr/bin/qemu-system-x86_64 && exec "$@"', "sh", str(LAZARET),
                   *evaluate_arguments(output, self.key, isolation="microvm")]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(finished.returncode, UNAVAILABLE, finished.stdout + finished.stderr)
        self.assertIn("qemu-system-x86", finished.stderr)
        self.assertFalse(output.exists())
        self.assert_nothing_left()

    def test_no_image(self):
        finished, output = self.evaluate("no-image", isolation="microvm",
                                         environment={"LAZARET_STATE": str(self.folder / "empty-state")})
        self.assertEqual(finished.returncode, NO_INPUT, finished.stderr)
        self.assertIn("image build", finished.stderr)
        self.assertFalse(output.exists())


if __name__ == "__main__":
    main()
