# SPDX-License-Identifier: Apache-2.0
"""usage: make_archives.py
Archives and compressed streams, ordinary and tampered with, on standard output. Each case is a line
"name verdict rule markers size" and its bytes. A marker is a module that a pickle inside asks for: the scan has to
come upon each. Where a case's reader is known (zipfile, tarfile, torch), the reader is asked which pickle it really
takes, with an unpickler that records and refuses; that one's marker has to be among the case's."""
import bz2
import gzip
import io
import lzma
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib

warnings.simplefilter("ignore")
OUT = sys.stdout.buffer
LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def evil(marker):
    """Asks for marker.f and calls it: unknown, and called."""
    return b"c" + marker.encode() + b"\nf\n(tR."


def emit(name, verdict, rule, data, *markers):
    OUT.write(f"{name} {verdict} {rule} {','.join(markers) or '-'} {len(data)}\n".encode() + data)


def zipped(*members, method=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
        archive.comment = comment
    return out.getvalue()


def patched(data, magic, offset, value, which=0):
    """The bytes at an offset of the which-th record."""
    at = -1
    for _ in range(which + 1):
        at = data.index(magic, at + 1)
    at += offset
    return data[:at] + value + data[at + len(value):]


# --- what the real readers take --------------------------------------------------------------------------

class Recorded(Exception):
    pass


class Recorder(pickle._Unpickler):  # pylint: disable=protected-access
    def find_class(self, module, name):
        raise Recorded(module)

    def persistent_load(self, pid):
        return pid


class Module:
    """Stands for the pickle module, so that nothing a case holds is ever run."""
    Unpickler = Recorder
    __name__ = "recorder"

    @staticmethod
    def load(file, **options):
        return Recorder(file, **options).load()


def torch_takes(data):
    try:
        import torch
    except ImportError:
        return None
    try:
        torch.load(io.BytesIO(data), pickle_module=Module)
    except Recorded as recorded:
        return str(recorded)
    except Exception:  # pylint: disable=broad-except
        return None  # refuses the file
    return None


def check(name, taken, markers):
    if taken is not None and taken not in markers:
        sys.exit(f"{name}: a reader takes {taken}, which is not expected")


def emit_torch(name, verdict, rule, data, *markers):
    check(name, torch_takes(data), markers)
    emit(name, verdict, rule, data, *markers)


# --- zip -------------------------------------------------------------------------------------------------

def torch_members(payload):
    return [("archive/data.pkl", payload), ("archive/data/0", bytes(range(256))), ("archive/version", b"3\n")]


def zip_crypto(data, password, crc):
    """Section 6.1 of APPNOTE.TXT."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte):
        keys[0] = zlib.crc32(bytes([byte]), keys[0] ^ 0xffffffff) ^ 0xffffffff
        keys[1] = ((keys[1] + (keys[0] & 0xff)) * 134775813 + 1) & 0xffffffff
        keys[2] = zlib.crc32(bytes([keys[1] >> 24]), keys[2] ^ 0xffffffff) ^ 0xffffffff

    for byte in password:
        update(byte)
    out = bytearray()
    for byte in bytes(11) + bytes([crc >> 24]) + data:
        word = keys[2] | 2
        out.append(byte ^ (word * (word ^ 1) >> 8 & 0xff))
        update(byte)
    return bytes(out)


def raw_zip(name, body, method, crc, size, flags=0, version=20, comment=b""):
    local = struct.pack("<4sHHHIIIIHH", LOCAL, version, flags, method, 0, crc, len(body), size, len(name), 0)
    central = struct.pack("<4sHHHHIIIIHHHHHII", CENTRAL, 20, version, flags, method, 0, crc, len(body), size,
                          len(name), 0, 0, 0, 0, 0, 0)
    end = struct.pack("<4sHHHHIIH", END, 0, 0, 1, 1, len(central) + len(name), len(local) + len(name) + len(body),
                      len(comment))
    return local + name + body + central + name + end + comment


class Unseekable(io.RawIOBase):
    """Makes zipfile write data descriptors."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def streamed(method, *members):
    out = Unseekable()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return bytes(out.data)


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, target)
    return out.getvalue()


def zip_ordinary():
    text = b"a line of text\n" * 40000
    for label, method in ("stored", 0), ("deflate", 8), ("bzip2", 12), ("lzma", 14):
        emit(f"zip-{label}", "allowed", "-", zipped(("a.txt", text), ("b/c.txt", b"x"), method=method))
        emit(f"zip-{label}-evil", "dangerous", "-", zipped(("a.txt", text), ("b", evil("mk1")), method=method), "mk1")
    emit("zip-streamed-deflate", "allowed", "-", streamed(8, ("a.txt", text), ("b.txt", b"x")))
    emit("zip-streamed-stored", "allowed", "-", streamed(0, ("a.txt", text), ("b.txt", b"x")))
    emit("zip-empty", "allowed", "-", zipped())
    emit("zip-comment", "allowed", "-", zipped(("a", b"x"), comment=b"comment " * 100))
    emit("zip-folder", "allowed", "-", zipped(("d/", b""), ("d/a", b"x")))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        with archive.open("a.txt", "w", force_zip64=True) as member:
            member.write(text)
    emit("zip-64", "allowed", "-", out.getvalue())
    packed = lzma.compress(evil("mk1"))
    emit("zip-xz", "dangerous", "-", raw_zip(b"a", packed, 95, zlib.crc32(evil("mk1")), len(evil("mk1"))), "mk1")
    emit("zip-ppmd", "unscanned", "-", raw_zip(b"a", b"xyz", 98, 1, 3))
    emit("zip-nested", "dangerous", "-", zipped(("a.zip", zipped(("b", evil("mk1")), method=8)), method=8), "mk1")
    emit_torch("torch", "allowed", "-", zipped(*torch_members(pickle.dumps({"a": [1, 2]}, 2))))
    emit_torch("torch-evil", "dangerous", "-", zipped(*torch_members(evil("mk1"))), "mk1")
    emit_torch("torch-deflated", "dangerous", "-", zipped(*torch_members(evil("mk1")), method=8), "mk1")


def zip_tampered():
    plain = zipped(*torch_members(evil("mk1")))
    packed = zipped(*torch_members(evil("mk1")), method=8)
    for label, data in ("stored", plain), ("deflate", packed):
        emit_torch(f"crc-central-{label}", "dangerous", "zip-crc", patched(data, CENTRAL, 16, b"abcd"), "mk1")
        emit_torch(f"crc-local-{label}", "dangerous", "zip-crc", patched(data, LOCAL, 14, b"abcd"), "mk1")
        emit_torch(f"crc-both-{label}", "dangerous", "zip-crc",
                   patched(patched(data, CENTRAL, 16, b"abcd"), LOCAL, 14, b"abcd"), "mk1")
        emit_torch(f"flag-central-{label}", "dangerous", "zip-not-encrypted", patched(data, CENTRAL, 8, b"\1"), "mk1")
        emit_torch(f"flag-local-{label}", "dangerous", "zip-not-encrypted", patched(data, LOCAL, 6, b"\1"), "mk1")
        emit_torch(f"flag-patch-{label}", "dangerous", "zip-flags", patched(data, LOCAL, 6, b"\x20"), "mk1")
        emit_torch(f"version-{label}", "dangerous", "zip-version", patched(data, LOCAL, 4, struct.pack("<H", 200)), "mk1")
        emit_torch(f"size-central-{label}", "dangerous", "zip-size-mismatch",
                   patched(data, CENTRAL, 24, struct.pack("<I", 4)), "mk1")
        emit_torch(f"packed-central-{label}", "dangerous", "zip-size-mismatch",
                   patched(data, CENTRAL, 20, struct.pack("<I", 4)), "mk1")
        emit_torch(f"name-local-{label}", "dangerous", "zip-name-mismatch",
                   patched(data, LOCAL, 30, b"archive/data.txt"), "mk1")
        emit_torch(f"name-central-{label}", "dangerous", "zip-name-mismatch",
                   patched(data, CENTRAL, 46, b"archive/data.txt"), "mk1")
        emit_torch(f"prefix-{label}", "dangerous", "zip-gap", b"#!/bin/x y z\n" + data, "mk1")
    emit("method-local", "dangerous", "zip-method-mismatch", patched(packed, LOCAL, 8, b"\0\0"), "mk1")
    emit("method-central", "dangerous", "zip-method-mismatch", patched(packed, CENTRAL, 10, b"\0\0"), "mk1")
    crc, body = zlib.crc32(evil("mk1")), evil("mk1")
    emit("encrypted", "unscanned", "-", raw_zip(b"a.txt", zip_crypto(b"hello", b"pw", zlib.crc32(b"hello")), 0,
                                                zlib.crc32(b"hello"), 5, flags=1))
    emit("encrypted-aes", "unscanned", "-", raw_zip(b"a.txt", bytes(range(7, 40)), 99, 0, 5, flags=1))
    emit("no-local", "unscanned", "zip-no-member", patched(zipped(("a", b"x")), LOCAL, 0, b"QQQQ"))
    emit("count", "dangerous", "zip-count", patched(plain, END, 8, struct.pack("<HH", 1, 1)), "mk1")
    emit("crc-zero-method", "dangerous", "-", raw_zip(b"a", body, 0, crc, len(body)), "mk1")


def zip_views():
    members = torch_members(evil("mk1"))
    emit_torch("duplicate-pickle", "dangerous", "zip-duplicate-pickle",
               zipped(members[0], ("archive/data.pkl", evil("mk2")), *members[1:]), "mk1", "mk2")
    emit_torch("duplicate-case", "dangerous", "zip-duplicate-pickle",
               zipped(("archive/DATA.PKL", evil("mk2")), *members), "mk1", "mk2")
    emit_torch("upper-case", "dangerous", "-",
               zipped(("archive/DATA.PKL", evil("mk1")), *members[1:]), "mk1")
    emit("duplicate", "unknown", "zip-duplicate", zipped(("a.txt", b"one"), ("A.TXT", b"two")))
    emit("duplicate-same", "allowed", "-", zipped(("a.txt", b"one"), ("a.txt", b"one")))
    one, two = zipped(*torch_members(evil("mk1"))), zipped(*torch_members(evil("mk2")))
    emit_torch("two-zips", "dangerous", "zip-directories", one + two, "mk1", "mk2")
    emit_torch("two-zips-reversed", "dangerous", "zip-directories", two + one, "mk1", "mk2")
    # One archive's end record, whose comment is all of another archive.
    emit("zip-in-comment", "dangerous", "zip-directories", zipped(*torch_members(evil("mk1")), comment=two), "mk1", "mk2")
    hidden = zipped(("a.txt", b"x"), ("b", evil("mk1")))
    at = hidden.index(CENTRAL, hidden.index(CENTRAL) + 1)
    end = hidden.index(END)
    cut = hidden[:at] + struct.pack("<4sHHHHIIH", END, 0, 0, 1, 1, at - hidden.index(CENTRAL),
                                    hidden.index(CENTRAL), 0)
    with zipfile.ZipFile(io.BytesIO(cut)) as archive:
        assert archive.namelist() == ["a.txt"] and len(cut) < len(hidden) and end > at
    emit("hidden-member", "dangerous", "zip-hidden-member", cut, "mk1")
    emit("no-directory", "dangerous", "-", hidden[:hidden.index(CENTRAL)], "mk1")
    emit("cut-short", "dangerous", "-", zipped(("b", evil("mk1")), ("c", os.urandom(4000)))[:-3000], "mk1")
    emit("gap", "dangerous", "zip-gap", zipped(("a", b"x")) + evil("mk1"), "mk1")
    emit("after-text", "unknown", "zip-gap", b"some text before it\n" * 5000 + zipped(("a", b"x")))
    emit("traversal", "dangerous", "zip-path", zipped(("../../a", b"x")))
    emit("absolute", "dangerous", "zip-path", zipped(("/etc/a", b"x")))
    emit("backslash", "dangerous", "zip-path", patched(patched(zipped(("..Xa", b"x")), LOCAL, 32, b"\\"),
                                                      CENTRAL, 48, b"\\"))
    emit("nul", "unknown", "zip-odd-name", patched(patched(zipped(("a_b", b"x")), LOCAL, 31, b"\0"),
                                                   CENTRAL, 47, b"\0"))
    emit("link-out", "dangerous", "zip-link-out", link("d/a", "../../etc/passwd"))
    emit("link", "unknown", "zip-link", link("d/a", "b"))
    overlap = zipped(("a.txt", b"text" * 100), ("b.txt", b"text" * 100))
    emit("overlap", "dangerous", "zip-overlap", patched(overlap, CENTRAL, 42, struct.pack("<I", 0), which=1))
    emit("inner-zip", "allowed", "-", zipped(("in.zip", zipped(("a", b"x"))), ("b", b"y")))


def zip_bounds():
    data = b"text"
    for _ in range(1000):
        data = zipped(("a", data))
    emit("nested-1000", "unscanned", "-", data)
    member = gzip.compress(bytes(16 << 20), 9)
    emit("bomb", "unscanned", "-", member * 80)
    body = zlib.compress(bytes(64 << 20), 9)[2:-4]
    emit("bomb-zip", "unscanned", "-", b"".join(
        raw_zip(b"a", body, 8, zlib.crc32(bytes(64 << 20)), 64 << 20)[:31 + len(body)] for _ in range(20)))


def torchscript():
    def script(code):
        return zipped(("m/data.pkl", pickle.dumps({}, 2)), ("m/code/__torch__.py", code), ("m/version", b"3\n"))

    ordinary = b"""class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  training : bool
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    _0 = torch.conv2d(x, self.weight, None, [1, 1])
    _1 = ops.prim.NumToTensor(torch.size(_0, 0))
    text = "ops.aten.save torch.from_file"
    return torch.relu(_0)  # torch.save
"""
    emit("script", "allowed", "-", script(ordinary))
    emit("script-save", "dangerous", "torchscript-file-operator",
         script(ordinary.replace(b"torch.relu(_0)", b"ops.aten.save(_0, '/tmp/x')")))
    emit("script-from-file", "dangerous", "torchscript-file-operator",
         script(ordinary.replace(b"torch.relu(_0)", b'torch.from_file("/etc/passwd", False, 10)')))
    emit("script-custom", "unknown", "torchscript-custom-operator",
         script(ordinary.replace(b"torch.relu(_0)", b"ops.mine.op(_0)")))
    emit("script-import", "dangerous", "torchscript-import", script(b"import os\n" + ordinary))


def torch_own():
    """What torch itself writes has to be allowed."""
    try:
        import torch
    except ImportError:
        return

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
            self.recurrent = torch.nn.LSTM(4, 5)

        def forward(self, x):
            y, _ = self.recurrent(self.layers(x).mean((2, 3)).unsqueeze(0))
            if y.sum() > 0:
                y = -y
            return y

    net = Net().eval()
    quantised = torch.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(4, 4)), {torch.nn.Linear},
                                                    dtype=torch.qint8)
    for name, module in (("script", torch.jit.script(net)), ("freeze", torch.jit.freeze(torch.jit.script(net))),
                         ("trace", torch.jit.trace(net, torch.zeros(1, 3, 8, 8), check_trace=False)),
                         ("quantised", torch.jit.script(quantised))):
        out = io.BytesIO()
        torch.jit.save(module, out)
        emit(f"torch-own-{name}", "allowed", "-", out.getvalue())
    out = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimiser": torch.optim.Adam(net.parameters()).state_dict()}, out)
    emit("torch-own-state", "allowed", "-", out.getvalue())


# --- tar -------------------------------------------------------------------------------------------------

def tarred(*members, format=tarfile.USTAR_FORMAT, end=True):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data, *more in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more:
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    data = out.getvalue()
    return data if end else data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512)


def tar_takes(data, name):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        try:
            Recorder(archive.extractfile(name)).load()
        except Recorded as recorded:
            return str(recorded)
    return None


def tars():
    long = "d/" * 100 + "a.pkl"
    for label, format in ("ustar", tarfile.USTAR_FORMAT), ("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT):
        data = tarred((long, evil("mk1")), ("b.txt", b"x" * 600), format=format)
        check(label, tar_takes(data, long), ["mk1"])
        emit(f"tar-{label}", "dangerous", "-", data, "mk1")
        emit(f"tar-{label}-plain", "allowed", "-", tarred((long, b"text"), ("b.txt", b"x" * 600), format=format))
    plain = tarred(("a.pkl", evil("mk1")), ("b.txt", b"x"))
    for label, pack in ("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress):
        emit(f"tar-{label}", "dangerous", "-", pack(plain), "mk1")
    emit("tar-link-out", "dangerous", "tar-link-out",
         tarred(("a", b"", ("type", tarfile.SYMTYPE), ("linkname", "/etc/passwd"))))
    emit("tar-hard-link-out", "dangerous", "tar-link-out",
         tarred(("a", b"", ("type", tarfile.LNKTYPE), ("linkname", "../b"))))
    emit("tar-link", "allowed", "tar-link", tarred(("d/a", b"", ("type", tarfile.SYMTYPE), ("linkname", "../b"))))
    emit("tar-path", "dangerous", "tar-path", tarred(("../a", b"x")))
    emit("tar-pax-path", "dangerous", "tar-path", tarred(("../" + "d/" * 200 + "a", b"x"), format=tarfile.PAX_FORMAT))
    emit("tar-device", "dangerous", "tar-device", tarred(("a", b"", ("type", tarfile.CHRTYPE))))
    twice = tarred(("a", evil("mk1")), ("a", evil("mk2")))
    check("tar-duplicate", tar_takes(twice, "a"), ["mk2"])
    emit("tar-duplicate", "dangerous", "tar-duplicate", twice, "mk1", "mk2")
    emit("tar-hidden", "dangerous", "tar-hidden-member", tarred(("a", b"x")) + tarred(("b", evil("mk1"))), "mk1")
    emit("tar-trailing", "dangerous", "tar-trailing", tarred(("a", b"x")) + evil("mk1"), "mk1")
    emit("tar-damaged", "dangerous", "-", tarred(("a", b"x"), end=False) + bytes([1]) * 512 +
         tarred(("b", evil("mk1"))), "mk1")
    emit("tar-and-zip", "dangerous", "-", tarred(("a", evil("mk1"))) + zipped(("b", evil("mk2"))), "mk1", "mk2")
    raw = b"".join(pickle.dumps(value, 2) for value in (1, ("k", "cpu", "FloatStorage")))
    storages = raw + struct.pack("<q", 3) + bytes(range(128, 140)) + evil("mk1")
    tensors = (pickle.dumps(1, 2) + pickle.dumps(("k", "s", "t"), 2) + struct.pack("<iixxxx", 2, 0)[:8] +
               struct.pack("<qqqqq", 2, 3, 3, 1, 0))
    old = tarred(("sys_info", pickle.dumps({}, 2)), ("storages", storages), ("tensors", tensors),
                 ("pickle", evil("mk2")))
    emit("torch-tar", "dangerous", "-", old, "mk1", "mk2")
    emit("torch-tar-plain", "allowed", "-",
         tarred(("sys_info", pickle.dumps({}, 2)), ("storages", storages[:-len(evil("mk1"))] + pickle.dumps([], 2)),
                ("tensors", tensors), ("pickle", pickle.dumps({}, 2))))


# --- streams ---------------------------------------------------------------------------------------------

def lz4(data, *options):
    with subprocess.Popen(["lz4", "-q", "-c", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        return process.communicate(data)[0]


def streams():
    rng = random.Random(4)
    noise = bytes(rng.choices(range(256), k=700000))
    # An archive whose members' checksums tell whether every byte came out right, and whose end is looked at first.
    inner = zipped(("a.txt", b"one line and another\n" * 60000), ("c.txt", b"x"), ("b", evil("mk1")),
                   ("n.zip", zipped(("w.txt", noise.hex().encode()), method=8)))
    kinds = {"gzip": gzip.compress, "zlib": zlib.compress, "bzip2": bz2.compress, "xz": lzma.compress,
             "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
             "xz-large-dictionary": lambda data: lzma.compress(data, preset=9),
             "zf": lambda data: b"ZF" + hex(len(data)).ljust(19).encode() + zlib.compress(data)}
    if shutil.which("lz4"):
        kinds["lz4"] = lz4
        kinds["lz4-linked"] = lambda data: lz4(data, "-BD", "-B4")
        kinds["lz4-checked"] = lambda data: lz4(data, "-BX", "-B4", "--content-size")
        kinds["lz4-legacy"] = lambda data: lz4(data, "-l")
    for kind, pack in kinds.items():
        emit(f"{kind}-archive", "dangerous", "-", pack(inner), "mk1")
        emit(f"{kind}-small", "dangerous", "-", pack(evil("mk1")), "mk1")
        emit(f"{kind}-text", "allowed", "-", pack(b"text " * 10))
        emit(f"{kind}-twice", "dangerous", "-", pack(pack(evil("mk1"))), "mk1")
        emit(f"{kind}-trailing", "dangerous", "stream-trailing", pack(b"text " * 10) + evil("mk1"), "mk1")
        if kind != "bzip2":  # which yields nothing of a block that is not whole
            emit(f"{kind}-cut", "dangerous", "-", pack(evil("mk1") + noise)[:-600000], "mk1")
    for kind, pack in ("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress):
        half = len(evil("mk1")) // 2
        emit(f"{kind}-members", "dangerous", "-", pack(evil("mk1")[:half]) + pack(evil("mk1")[half:]), "mk1")
        emit(f"{kind}-trailing-text", "unknown", "stream-trailing", pack(b"text " * 10) + b"more text")
        emit(f"{kind}-padded", "allowed", "-", pack(b"text " * 10) + bytes(64))
    emit("gzip-checksum", "unknown", "stream-checksum", gzip.compress(b"text")[:-8] + bytes(8))
    big = gzip.compress(b"t")
    emit("gzip-name", "allowed", "-", big[:3] + b"\x18" + big[4:10] + b"name\0comment\0" + big[10:])
    data = b"text"
    for _ in range(1000):
        data = gzip.compress(data)
    emit("gzip-nested-1000", "unscanned", "-", data)


# --- 7z --------------------------------------------------------------------------------------------------

def sevenzips():
    if not shutil.which("7zr"):
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, data in ("a.txt", b"text " * 50000), ("b.pkl", evil("mk1")), ("empty", b""), ("c.txt", b"x"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        for number, options in enumerate((["-m0=lzma"], ["-m0=lzma2"], ["-m0=copy"], ["-ms=off"], ["-mhc=off"],
                                          ["-m0=bcj", "-m1=lzma2"], ["-m0=bcj", "-m1=lzma"],
                                          ["-m0=delta:4", "-m1=lzma2"])):
            path = os.path.join(folder, f"out{number}.7z")
            subprocess.run(["7zr", "a", *options, path, "a.txt", "b.pkl", "empty", "c.txt"], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)
            with open(path, "rb") as file:
                data = file.read()
            emit(f"7z-{''.join(options)}", "dangerous", "-", data, "mk1")
        emit("7z-trailing", "dangerous", "7z-trailing", data + evil("mk2"), "mk1", "mk2")
        path = os.path.join(folder, "plain.7z")
        subprocess.run(["7zr", "a", path, "a.txt", "empty"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(path, "rb") as file:
            emit("7z-plain", "allowed", "-", file.read())


for make in (zip_ordinary, zip_tampered, zip_views, zip_bounds, torchscript, torch_own, tars, streams, sevenzips):
    make()
emit("rar", "unscanned", "-", b"Rar!\x1a\x07\x01\x00" + bytes(range(100)))
OUT.write(b"end - - - 0\n")
