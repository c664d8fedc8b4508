/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that the supervisor starts: libvirt controller, vsock device, or the bare agent. */
#ifndef LAZARET_HOST_VM_CHILDREN_H
#define LAZARET_HOST_VM_CHILDREN_H

#include "host/vm/console.h"
#include "host/vm/supervisor.h"

struct children {
    pid_t main_pid;       /* QEMU, once the controller has told it, or the agent; 0 before */
    pid_t device_pid;     /* 0: none */
    pid_t controller_pid; /* 0: none, -1: gone */
    int controller_fd;    /* records; -1: none */
    int device_text_fd;   /* the device's last words; -1: none */
    char device_text[VM_TEXT_MAX];
};

/* Starts what the isolation asks for; *children is set before anything is started. */
MUST_USE int children_start(struct children *children, const struct supervisor_options *options,
                            const struct console *console, struct error *err);

/* Asks QEMU to end by way of libvirt; kills the agent. */
void children_quit_main(struct children *children);

/* Fills device_text from what the device left behind and its wait status. */
void children_read_device_text(struct children *children, int status);

/* Adds the last line of QEMU's log to an error, if there is one. */
void children_add_qemu_log(struct error *error);

#endif
