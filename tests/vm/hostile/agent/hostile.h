/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile agent: one program that stands in the real one's place and misbehaves in the way that its mode names.
 *
 * A mode is NAME or NAME@STAGE. As PID 1 of a VM it stands on the kernel's command line (hostile=MODE); as a process,
 * in the last HOSTILE_TRAILER bytes of the program's own file, padded with NUL. Two kinds of modes exist:
 *  - lies, which replace or precede a message of an otherwise honest session (puppet.h);
 *  - actions, which the machine or the process does at a stage of that session: `boot`, `connected`, or before the
 *    message of that name goes out (`hello`, `ready`, `predictions`, …).
 * The modes of rings.h drive the virtio device themselves, without the kernel's driver.
 */
#ifndef LAZARET_TESTS_VM_HOSTILE_H
#define LAZARET_TESTS_VM_HOSTILE_H

#include "puppet.h"

#define HOSTILE_TRAILER 64u

/* A lie is told instead of the message `at`, the first time it is due; true: the message follows it after all. */
struct hostile_lie {
    const char *name;
    enum message_type at;
    bool (*tell)(struct puppet *puppet, struct message *message);
};

struct hostile_action {
    const char *name;
    void (*act)(struct puppet *puppet); /* NULL puppet: nobody is connected yet */
};

/* Each table ends with a NULL name. */
extern const struct hostile_lie lies_frames[], lies_figures[], lies_samples[], lies_texts[], lies_order[];
extern const struct hostile_action actions_machine[], actions_ports[];

#endif
