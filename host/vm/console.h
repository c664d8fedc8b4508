/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's console: a pipe that is always emptied, and a file that takes so much and no more. */
#ifndef LAZARET_HOST_VM_CONSOLE_H
#define LAZARET_HOST_VM_CONSOLE_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct console {
    int pipe_fd;   /* the supervisor reads here, non-blocking */
    int write_fd;  /* held open, so that the pipe never ends; a child may be given it */
    int file_fd;   /* of the monitor's caller, or -1 */
    uint64_t room; /* bytes that file_fd may still take */
    uint64_t written, dropped;
};

/* Makes the FIFOs that QEMU's serial port uses (SANDBOX_CONSOLE .in and .out), owned by `owner`. */
MUST_USE int console_open(struct console *ret_console, int file_fd, uint64_t max, uid_t owner, struct error *err);

/* Reads what is there, at most a pipe's worth; beyond the room it is dropped and counted. */
void console_read(struct console *console);

/* Reads until the pipe is empty, but no more than a few pipes' worth. */
void console_drain(struct console *console);

#endif
