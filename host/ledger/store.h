/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's folder: files read with a cap, replaced whole, and one lock for all who write.
 *
 * A write goes to one temporary name (writers hold the lock), is synced, takes its final name in one step, and the
 * folder that holds that name is synced: after it returned, the file outlives a loss of power; before, the old one
 * stands or none. What a killed writer left under the temporary name is overwritten by the next.
 */
#ifndef LAZARET_HOST_LEDGER_STORE_H
#define LAZARET_HOST_LEDGER_STORE_H

#include "base/buffer.h"
#include "base/error.h"

#define STORE_CHECKPOINT   "checkpoint"
#define STORE_KEYS         "vkey"
#define STORE_LOCK         "lock"
#define STORE_LOCK_WAIT_MS UINT64_C(60000) /* longest wait for other writers */

struct store {
    int fd;
    const char *path; /* borrowed; for messages */
};

/* Opens an existing folder. ERROR_NO_INPUT. */
MUST_USE int store_open(const char *path, struct store *ret_store, struct error *err);

void store_close(struct store *store);

/* Takes the lock; it is the descriptor's, and ends when that is closed. ERROR_UNAVAILABLE, -ETIMEDOUT. */
MUST_USE int store_lock(const struct store *store, int *ret_fd, struct error *err);

/* Appends a file's content, up to the buffer's limit. ERROR_NO_INPUT, -ENOENT and others; ERROR_BAD_INPUT, -EMSGSIZE.
 */
MUST_USE int store_read(const struct store *store, const char *name, struct buffer *ret_content, struct error *err);

/* Puts a file there, making its folders. Needs the lock. ERROR_UNAVAILABLE. */
MUST_USE int store_write(const struct store *store, const char *name, const void *data, size_t size, struct error *err);

/* Removes a folder of files, as far as that goes; a folder that is not there is fine. Needs the lock. */
void store_remove_folder(const struct store *store, const char *name);

#endif
