# SPDX-License-Identifier: Apache-2.0
"""What both tests of a GPU's image share: a state directory of their own, and a driver that has no device."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD  # noqa: E402

STATE = BUILD / "tests" / "gpu-state"
# OpenCL 1.2, "Extension: cl_khr_icd": what the loader asks a driver for, and the answer of one without a platform.
# With HOARDS_AT processors it takes memory without end, shared and touched, which only a control group bounds.
HOARDS_AT = 3
SOURCE = """
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { STEP = 1 << 24 };
static void hoard(void)
{
    for (;;) {
        void *more = mmap(0, STEP, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (more != MAP_FAILED)
            memset(more, 1, STEP);
    }
}
int clIcdGetPlatformIDsKHR(unsigned n, void **platforms, unsigned *count);
int clIcdGetPlatformIDsKHR(unsigned n, void **platforms, unsigned *count)
{
    (void)n, (void)platforms;
    if (sysconf(_SC_NPROCESSORS_ONLN) == %d)
        hoard();
    if (count)
        *count = 0;
    return -1001; /* CL_PLATFORM_NOT_FOUND_KHR */
}
void *clGetExtensionFunctionAddress(const char *name);
int clGetPlatformInfo(void);
int clGetPlatformInfo(void)
{
    return -32; /* CL_INVALID_PLATFORM: there is none; the loader passes over a driver without this function */
}
void *clGetExtensionFunctionAddress(const char *name)
{
    if (strcmp(name, "clGetPlatformInfo") == 0)
        return (void *)clGetPlatformInfo;
    return strcmp(name, "clIcdGetPlatformIDsKHR") == 0 ? (void *)clIcdGetPlatformIDsKHR : 0;
}
""" % HOARDS_AT


def make_driver(folder, needs=()):
    """A driver's tree as a user gives it; `needs`: libraries that it names."""
    libraries, vendors = folder / "usr" / "lib" / "nothing", folder / "etc" / "OpenCL" / "vendors"
    libraries.mkdir(parents=True)
    vendors.mkdir(parents=True)
    (vendors / "nothing.icd").write_text("libnothing.so.1\n")
    command = ["cc", "-x", "c", "-shared", "-fPIC", "-O1", "-s", "-Wl,--build-id=none", "-o",
               str(libraries / "libnothing.so.1"), "-"]
    for name in needs:
        subprocess.run(["cc", "-x", "c", "-shared", f"-Wl,-soname,{name}", "-o", str(folder / name), "-"], input="int needed;", text=True, check=True)
        command += ["-Wl,--no-as-needed", "-x", "none", str(folder / name)]
    subprocess.run(command, input=SOURCE, text=True, check=True)
    for name in needs:
        (folder / name).unlink()
    return folder


def image(*arguments):
    return subprocess.run([str(BUILD / "lazaret"), "image", *map(str, arguments)], capture_output=True, text=True,
                          timeout=900, check=False, env={**os.environ, "LAZARET_STATE": str(STATE)})
