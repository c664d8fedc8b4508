#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A driver's tree for `lazaret image build --driver DIR`, made of the PoCL that this machine has.

PoCL's device is the processor, so that an image with it computes by OpenCL in a microVM without a GPU. Taken are its
libraries with what they are linked with, its headers and built-in functions, and the linker that its compiler starts.
"""
import glob
import pathlib
import shutil
import subprocess
import sys

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
DRIVER = f"{LIBRARIES}/libpocl.so.2"
LINKER = "/usr/bin/x86_64-linux-gnu-ld.bfd"
# What `image build` takes from Debian's packages in every variant.
COMMON = ("ld-linux", "libc.", "libm.", "libgcc_s.", "libstdc++.", "libz.", "libOpenCL.", "linux-vdso")
# What a link of a shared library reads; crtbeginS.o is how the compiler finds its folder.
LINKED = (f"{LIBRARIES}/libc.so", f"{LIBRARIES}/libm.so", f"{LIBRARIES}/libc_nonshared.a",
          "/usr/lib/gcc/x86_64-linux-gnu/*/crtbegin*.o", "/usr/lib/gcc/x86_64-linux-gnu/*/libgcc.a",
          "/usr/lib/gcc/x86_64-linux-gnu/*/libgcc_s.so*")


def needed(program):
    """The libraries that the loader takes for it, as NAME: path."""
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines()
    parts = [line.split() for line in lines]
    return {part[0]: part[2] for part in parts
            if len(part) > 2 and part[2].startswith("/") and not part[0].startswith(COMMON)}


def copy(source, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / name)
    shutil.copymode(source, folder / name)


def missing():
    """The first file that PoCL needs and this machine has not, or None."""
    return next((path for path in (DRIVER, LINKER, *LINKED) if not glob.glob(path)), None)


def make_tree(root):
    devices = glob.glob(f"{LIBRARIES}/pocl/*.so")
    libraries = root / LIBRARIES[1:]
    for program in (DRIVER, LINKER, *devices):
        for name, path in needed(program).items():
            copy(path, libraries, name)
    copy(DRIVER, libraries, "libpocl.so.2")
    for path in devices:
        copy(path, libraries / "pocl", pathlib.Path(path).name)
    shutil.copytree("/usr/share/pocl", root / "usr/share/pocl")
    for pattern in LINKED:
        for path in glob.glob(pattern):
            copy(path, root / pathlib.Path(path).parent.relative_to("/"), pathlib.Path(path).name)
    copy(LINKER, root / "usr/bin", "ld")
    vendors = root / "etc/OpenCL/vendors"
    vendors.mkdir(parents=True)
    (vendors / "pocl.icd").write_text("libpocl.so.2\n")
    return root


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} NEW-FOLDER")
    if missing():
        sys.exit(f"{missing()} is missing: install pocl-opencl-icd, binutils and gcc")
    make_tree(pathlib.Path(sys.argv[1]))
