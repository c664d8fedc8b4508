# SPDX-License-Identifier: Apache-2.0
"""usage: make_hdf5.py FOLDER
HDF5 files of every version of the format that h5py writes, with the same things in different places. A file's name is
what a scan must say of it: VERDICT+RULE+what.h5, the rule "none" where there is to be no finding."""
import os
import sys

import h5py
import numpy as np

LAMBDA = ('{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"name": "l", '
          '"function": ["4wEAAAAAAAAAAAAAAAEAAAABAAAAUwAAAHMEAAAAfABTAA==", null, null]}}]}}')
PLAIN = ('{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}, '
         '"keras_version": "2.9.0", "backend": "tensorflow"}')
TRAINING = ('{"loss": "mse", "metrics": ["accuracy"], "optimizer_config": {"class_name": "Adam", "config": '
            '{"learning_rate": 0.001}}}')
CODE = '__import__("os").system("true")'
PICKLE = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


def variable(h):
    h.attrs["model_config"] = LAMBDA


def fixed(h):
    h.attrs["model_config"] = np.bytes_(LAMBDA)


def training(h):
    h.attrs["model_config"] = PLAIN
    h.attrs["training_config"] = LAMBDA


def large(h):
    h.attrs["model_config"] = LAMBDA[:-1] + " " * 300000 + "}"


def dense_attributes(h):
    for i in range(60):
        h.attrs[f"attribute {i}"] = "x" * (7 * i + 1)
    h.attrs["model_config"] = LAMBDA


def huge_attribute(h):
    for i in range(30):
        h.attrs[f"attribute {i}"] = "x"
    h.attrs["model_config"] = np.bytes_(LAMBDA[:-1] + " " * 200000 + "}")


def many_groups(h):
    for i in range(700):
        h.create_group(f"group number {i} {'x' * (i % 40)}")
    h["group number 437 " + "x" * 37].create_group("within").create_group("it").attrs["model_config"] = LAMBDA


def on_dataset(h):
    h.create_group("a").create_dataset("w", data=np.ones((8, 8), "f4")).attrs["model_config"] = LAMBDA


def continued(h):
    """An object header whose messages go on in further blocks."""
    for i in range(7):
        h.attrs[f"attribute {i}"] = np.bytes_("x" * (500 * i + 1))
        h.create_group(f"group {i}")
    h.attrs["model_config"] = np.bytes_(LAMBDA)


def committed_type(h):
    h["type"] = h5py.string_dtype()
    h.attrs.create("model_config", LAMBDA, dtype=h["type"])


def external_link(h):
    h["x"] = h5py.ExternalLink("/etc/hostname", "/y")


def external_data(h):
    h.create_dataset("x", (10,), "u1", external=[("/etc/hostname", 0, 10)])


def virtual(h):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    h.create_virtual_dataset("v", layout)


def code_attribute(h):
    h.attrs["description"] = CODE


def code_fixed(h):
    h.create_dataset("x", data=np.array([b"abc", CODE.encode()]))


def code_variable(h):
    h.create_dataset("x", data=["abc", CODE], dtype=h5py.string_dtype())


def code_chunked(h):
    h.create_dataset("x", data=["abc", CODE], dtype=h5py.string_dtype(), chunks=(1,), compression="gzip")


def pickle_attribute(h):
    h.attrs["object"] = np.void(PICKLE)


def pickle_text(h):
    """As PyTables keeps what is no array."""
    h.attrs["object"] = np.bytes_(b"cposix\nsystem\n(S'true'\ntR.")


def pickle_rows(h):
    """As pandas keeps a column of objects."""
    data = h.create_dataset("x", (1,), dtype=h5py.vlen_dtype(np.uint8))
    data[0] = np.frombuffer(PICKLE, dtype=np.uint8)


def pickle_bytes(h):
    """As those do who have bytes and want an array."""
    h.create_dataset("x", data=np.frombuffer(PICKLE, dtype=np.uint8))


def bomb(h):
    h.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,))


def cycle(h):
    group = h.create_group("a").create_group("b")
    group["back"] = h["/"]
    group["self"] = group
    group["soft"] = h5py.SoftLink("/a")
    h.attrs["model_config"] = PLAIN


def model(h):
    h.attrs["keras_version"] = "2.9.0"
    h.attrs["backend"] = b"tensorflow"
    h.attrs["model_config"] = PLAIN
    h.attrs["training_config"] = TRAINING
    weights = h.create_group("model_weights")
    weights.attrs["layer_names"] = np.array([b"dense_%d" % i for i in range(20)])
    for i in range(20):
        layer = weights.create_group(f"dense_{i}").create_group(f"dense_{i}")
        layer.attrs["weight_names"] = np.array([b"kernel:0", b"bias:0"])
        layer.create_dataset("kernel:0", data=np.random.default_rng(i).random((30, 30), "f4"),
                             compression="gzip" if i % 2 else None, shuffle=bool(i % 2))
        layer.create_dataset("bias:0", data=np.zeros(30, "f8"))
    h.create_dataset("step", data=np.int64(7))
    h.create_dataset("empty", (0,), "f4", maxshape=(None,), chunks=(10,))


FILES = [("dangerous+keras-bytecode", [variable, fixed, training, large, dense_attributes, huge_attribute, many_groups,
                                       on_dataset, continued, committed_type]),
         ("dangerous+hdf5-external-link", [external_link]),
         ("dangerous+hdf5-external-data", [external_data]),
         ("dangerous+hdf5-virtual", [virtual]),
         ("dangerous+hdf5-code", [code_attribute, code_fixed, code_variable, code_chunked]),
         ("dangerous+pickle-dangerous-call", [pickle_attribute, pickle_text, pickle_rows, pickle_bytes]),
         ("dangerous+hdf5-bomb", [bomb]),
         ("allowed+none", [model, cycle])]
NEWER = (huge_attribute, virtual)  # what the earliest version of the format has no room for


def write(path, make, **options):
    with h5py.File(path, "w", **options) as h:
        make(h)


def main():
    folder = sys.argv[1]
    for expected, makers in FILES:
        for make in makers:
            for version in ("earliest", "latest", ("v110", "v110")):
                if version == "earliest" and make in NEWER:
                    continue
                name = "-".join(version) if isinstance(version, tuple) else version
                path = os.path.join(folder, f"{expected}+{make.__name__}-{name}")
                write(path + ".h5", make, libver=version)
                write(path + "-ordered.h5", make, libver=version, track_order=True)
            path = os.path.join(folder, f"{expected}+{make.__name__}")
            write(path + "-userblock.h5", make, libver="latest", userblock_size=4096)


main()
