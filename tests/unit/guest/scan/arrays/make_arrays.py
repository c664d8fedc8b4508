# SPDX-License-Identifier: Apache-2.0
"""Writes array files, joblib files and PyTorch's older files: as the packages write them, and with payloads by hand.

usage: make_arrays.py FOLDER. Nothing that is written here is ever loaded. Packages that are absent are left out, and
named on standard output."""
import io
import pickle
import struct
import sys
import zlib

import numpy as np

folder = sys.argv[1]
PAYLOAD = b"cos\nsystem\n(S'true'\ntR."


def write(name, data):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def with_header(text, data, version=1):
    head = text.encode()
    size = struct.pack("<H", len(head)) if version == 1 else struct.pack("<I", len(head))
    return b"\x93NUMPY" + bytes([version, 0]) + size + head + data


def arrays():
    plain = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    objects = np.array([1, "a", None], dtype=object)
    fields = np.zeros(3, dtype=[("a", "<i4"), ("b", "<f8", (2,)), ("c", "S5")])
    write("good_f4.npy", npy(plain))
    write("good_fortran.npy", npy(np.asfortranarray(plain)))
    write("good_scalar.npy", npy(np.float64(3)))
    write("good_empty.npy", npy(np.zeros((0, 7))))
    write("good_text.npy", npy(np.array(["abc", "de"])))
    write("good_time.npy", npy(np.array(["2020-01-01"], dtype="M8[ns]")))
    write("good_fields.npy", npy(fields))
    write("good_version2.npy", npy(plain, version=(2, 0)))
    write("good_version3.npy", npy(plain, version=(3, 0)))
    write("good_objects.npy", npy(objects))
    write("good_two.npy", npy(plain) + npy(plain))
    for name, text in (
        ("objects", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        ("nested", "{'descr': [('a', '<i4'), ('b', [('c', '|O')])], 'fortran_order': False, 'shape': (1,), }"),
    ):
        for version in (1, 2, 3):
            write(f"bad_{name}{version}.npy", with_header(text, PAYLOAD, version))
    write("bad_after_numbers.npy", npy(plain) + PAYLOAD)
    write("bad_second.npy", npy(plain) + with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", PAYLOAD))
    write("code_header.npy", with_header("{'descr': __import__('os').system('true') or '<f8', 'shape': (1,)}", b"\0" * 8))
    write("cut.npy", npy(plain)[:-1])
    write("cut_header.npy", npy(plain)[:20])
    write("overflow.npy", with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", b""))
    write("version9.npy", b"\x93NUMPY\x09\x00" + npy(plain)[8:])


class Holder:
    """A stand-in for an estimator: attributes only, under a name that the scan knows."""


def evil_wrapper(dtype, shape, alignment):
    """Opcodes of protocol 2 that make joblib's wrapper, by hand."""
    wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
    wrapper += b"X\x05\0\0\0shape" + shape + b"X\x05\0\0\0dtype" + dtype
    if alignment is not None:
        wrapper += b"X\x1b\0\0\0numpy_array_alignment_bytesK" + bytes([alignment])
    return wrapper + b"ub"


def joblib_files():
    try:
        import joblib
    except ImportError:
        print("absent: joblib")
        return
    big = np.arange(1000, dtype="<f8").reshape(10, 100)
    mixed = {
        "a": big, "b": np.array(["x", "yz"]), "c": np.zeros((0, 3)), "d": np.arange(7, dtype="u1"),
        "e": np.asfortranarray(big), "f": np.array([{"k": 1}, None], dtype=object),
        "g": np.zeros(2, dtype=[("p", "<i2"), ("q", "O")]), "h": np.zeros(3, dtype=[("p", "<i2"), ("q", "S3")]),
        "i": np.array(["2020-01-01"], dtype="M8[D]"), "j": np.float32(2), "k": np.random.RandomState(1),
    }

    def dumped(value, **options):
        file = io.BytesIO()
        joblib.dump(value, file, **options)
        return file.getvalue()

    for protocol in (2, 3, 4, 5):
        write(f"good_protocol{protocol}.joblib", dumped(mixed, protocol=protocol))
    for kind in ("zlib", "gzip", "bz2", "lzma", "xz"):
        write(f"good_{kind}.joblib", dumped(mixed, compress=(kind, 3)))
    one = dumped({"a": big}, protocol=2)
    assert one[-2:] in (b"s.", b"u."), one[-2:]
    # Behind the array: the dictionary's end, then a call; the array's bytes hide nothing of it.
    write("bad_behind.joblib", one[:-1] + PAYLOAD)
    write("bad_behind_zlib.joblib", zlib.compress(one[:-1] + PAYLOAD))
    # What another loader takes for opcodes: the array's own bytes.
    f8 = b"cnumpy\ndtype\nX\x02\0\0\0f8\x85R"
    u1 = b"cnumpy\ndtype\nX\x02\0\0\0u1\x85R"
    obj = b"cnumpy\ndtype\nX\x02\0\0\0O8\x85R"
    size = len(PAYLOAD)
    write("bad_within.joblib", b"\x80\x02" + evil_wrapper(u1, b"K" + bytes([size]) + b"\x85", None) + PAYLOAD + b".")
    write("bad_objects.joblib", b"\x80\x02" + evil_wrapper(obj, b"K\x01\x85", 16) + PAYLOAD + b".")
    write("bad_aligned.joblib",
          b"\x80\x02" + evil_wrapper(f8, b"K\x02\x85", 16) + b"\x05" + b"\xff" * 5 + b"\0" * 16 + b"0" + PAYLOAD)
    write("bad_old_name.joblib", (b"\x80\x02" + evil_wrapper(f8, b"K\x02\x85", None) + b"\0" * 16 + b"0" + PAYLOAD)
          .replace(b"cjoblib.", b"csklearn.externals.joblib."))
    write("unknown_type.joblib", b"\x80\x02" + evil_wrapper(b"N", b"K\x02\x85", None) + b"\0" * 16 + b".")
    write("unknown_shape.joblib", b"\x80\x02" + evil_wrapper(f8, b"N", None) + b"\0" * 16 + b".")
    write("huge_shape.joblib", b"\x80\x02" + evil_wrapper(f8, b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85", None) + b".")
    write("short.joblib", b"\x80\x02" + evil_wrapper(f8, b"K\x7f\x85", None) + b"\0" * 16 + b".")
    compat = b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81}(X\x08\0\0\0filename"
    write("file.joblib", compat + b"X\x0c\0\0\0m.pkl_01.npyub.")
    write("path.joblib", compat + b"X\x0c\0\0\0../../01.npyub.")


def torch_files():
    try:
        import torch
    except ImportError:
        print("absent: torch")
        return

    def saved(value):
        file = io.BytesIO()
        torch.save(value, file, _use_new_zipfile_serialization=False)
        return file.getvalue()

    state = {"a": torch.arange(10, dtype=torch.float32), "b": torch.zeros(3, 3, dtype=torch.int64),
             "c": torch.zeros(5, dtype=torch.bfloat16), "d": torch.ones(4, dtype=torch.bool)}
    state["e"] = state["a"][2:5]
    good = saved(state)
    write("good_state.pt", good)
    write("good_module.pt", saved(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.BatchNorm1d(2))))
    write("good_many.pt", saved([torch.zeros(1) for _ in range(300)]))
    write("good_none.pt", saved({"epoch": 3}))
    write("good_within.pkl", pickle.dumps(state, protocol=4))
    # The five pickles, each replaced by a payload in turn; and one behind the storages.
    ends, file = [], io.BytesIO(good)
    import pickletools
    for _ in range(5):
        for _ in pickletools.genops(file):
            pass
        ends.append(file.tell())
    starts = [0] + ends[:-1]
    for i, (start, end) in enumerate(zip(starts, ends)):
        write(f"bad_pickle{i}.pt", good[:start] + PAYLOAD + good[end:])
    write("bad_behind.pt", good + PAYLOAD)
    write("bad_within.pkl", b"\x80\x02ctorch.storage\n_load_from_bytes\nc_codecs\nencode\nX" +
          struct.pack("<I", len(PAYLOAD)) + PAYLOAD + b"X\x06\0\0\0latin1\x86R\x85R.")
    write("short.pt", good[:-3])
    write("lie.pt", good[:ends[4]] + struct.pack("<q", 1 << 60) + good[ends[4] + 8:])


arrays()
joblib_files()
torch_files()
