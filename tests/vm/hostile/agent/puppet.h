/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An honest guest without an engine: it follows the protocol to its end, predicts class 0 for everything, returns each
 * input as its own adversarial sample, and leaves every class too small to cluster. Lies hook in before a message.
 */
#ifndef LAZARET_TESTS_VM_HOSTILE_PUPPET_H
#define LAZARET_TESTS_VM_HOSTILE_PUPPET_H

#include "wire/message.h"

#include <stdbool.h>

#define PUPPET_CLASSES 10u

struct puppet {
    int fd;
    struct plan plan;
    uint8_t nonce[SHA256_SIZE];
    uint32_t classes; /* as READY will say */
    uint32_t check;
    struct message_transfer transfer; /* under way */
    struct buffer window;             /* its bytes */
    uint64_t windows_left;            /* of the check under way */
    /* Called before each message; true: it goes out as it now is. */
    bool (*before)(struct puppet *puppet, struct message *message);
};

/* Talks until the host has said BYE, or the connection ends. */
void puppet_run(struct puppet *puppet);

/* What puppet_run sends by, without the hook: for lies. */
void puppet_send(struct puppet *puppet, const struct message *message);
void puppet_send_bytes(struct puppet *puppet, const void *data, size_t size);
/* A frame of any type around any payload. */
void puppet_send_frame(struct puppet *puppet, uint8_t type, const void *payload, uint32_t size);
/* A message whose encoding has the bytes `from` replaced by as many `to`. */
void puppet_send_patched(struct puppet *puppet, const struct message *message, const void *from, const void *to,
                         size_t size);

/* For ever, until the machine or the process is destroyed. */
_Noreturn void puppet_stay(void);

/* A message of any type as it could come in the check under way. */
struct message puppet_example(const struct puppet *puppet, enum message_type type);

#endif
