# SPDX-License-Identifier: Apache-2.0
"""Makes a system call as another process would that was taken over: through ptrace, by a tracer that nothing confines, with
the process's seccomp filters suspended. So what refuses it is what lies below seccomp. x86-64."""
import ctypes
import errno
import os
import time

SEIZE, INTERRUPT, SYSCALL, DETACH, GETREGS, SETREGS, POKEDATA = 0x4206, 0x4207, 24, 17, 12, 13, 5
SYSGOOD, SUSPEND_SECCOMP = 0x1, 0x200000  # options of ptrace(2)
OPENAT, SOCKET, EXECVE = 257, 41, 59
AT_FDCWD = -100
RED_ZONE = 4096  # below the stack pointer, where the path is written
TRIES, NOT_IN_A_CALL = 200, (1 << 64) - 1
NAMES = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip",
         "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")  # struct user_regs_struct

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in NAMES]


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(request, pid, address, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {pid}: {os.strerror(ctypes.get_errno())}")


def step(pid, request):
    ptrace(request, pid)
    _, status = os.waitpid(pid, 0x40000000)  # __WALL
    if not os.WIFSTOPPED(status):
        raise OSError(errno.ESRCH, f"process {pid} ended: {status:#x}")


def stop(pid):
    """Stops it where it waits in a system call; returns its registers."""
    registers = Registers()
    for _ in range(TRIES):
        ptrace(SEIZE, pid, 0, SYSGOOD | SUSPEND_SECCOMP)
        step(pid, INTERRUPT)
        ptrace(GETREGS, pid, 0, ctypes.addressof(registers))
        if registers.orig_rax != NOT_IN_A_CALL:
            return registers
        ptrace(DETACH, pid)
        time.sleep(0.01)
    raise OSError(errno.EBUSY, f"process {pid} waits in no system call")


def call(pid, number, *arguments):
    """The answer of that system call, made by that process: negative errno, or what it returned. A text among the arguments is
    passed by its address. The process goes on afterwards as if nothing had been."""
    saved, changed = stop(pid), Registers()
    ptrace(GETREGS, pid, 0, ctypes.addressof(changed))
    place = (saved.rsp - RED_ZONE) & ~15
    values = []
    for argument in arguments:
        if isinstance(argument, str):
            data = argument.encode() + b"\0" * (8 - len(argument) % 8)
            values.append(place)
            for at in range(0, len(data), 8):
                ptrace(POKEDATA, pid, place, int.from_bytes(data[at:at + 8], "little"))
                place += 8
        else:
            values.append(argument & (1 << 64) - 1)
    for register, value in zip(("rdi", "rsi", "rdx", "r10"), values + [0] * 4):
        setattr(changed, register, value)
    # It was interrupted in a system call, so the instruction before is one, which is not to be begun again now.
    changed.rip, changed.rax, changed.orig_rax = saved.rip - 2, number, NOT_IN_A_CALL
    try:
        ptrace(SETREGS, pid, 0, ctypes.addressof(changed))
        step(pid, SYSCALL)
        step(pid, SYSCALL)
        ptrace(GETREGS, pid, 0, ctypes.addressof(changed))
        ptrace(SETREGS, pid, 0, ctypes.addressof(saved))
    finally:
        ptrace(DETACH, pid)
    return changed.rax - (1 << 64) if changed.rax >> 63 else changed.rax
