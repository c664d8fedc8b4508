/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The appender's process. Theory of operation: open the ledger with its keys, make one signature so that OpenSSL has
 * fetched all it needs, confine, then answer. The ledger's folder becomes the root of what it can name.
 */
#include "host/ledger/appender_internal.h"

#include "base/cursor.h"
#include "host/confine/confine.h"
#include "host/ledger/internal.h"
#include "host/ledger/leaf.h"
#include "host/ledger/proof.h"

#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)
#define FILE_SIZE_MAX     (UINT64_C(64) << 20) /* of a tile, a bundle of leaves, or the checkpoint */
#define KEY_PATHS_MAX     (LEDGER_SECRETS_MAX * (size_t)PATH_MAX)

/* What a job may log, in this order, each once. */
static const enum leaf_kind order[] = {LEAF_INTENT, LEAF_DSSE};

static const int system_calls[] = {
    SCMP_SYS(openat),   SCMP_SYS(fstat),      SCMP_SYS(newfstatat), /* tiles, checkpoint, lock */
    SCMP_SYS(mkdirat),  SCMP_SYS(renameat),   SCMP_SYS(renameat2),  /* new tiles, put there whole */
    SCMP_SYS(fsync),    SCMP_SYS(flock),                            /* durable; one writer */
    SCMP_SYS(unlinkat), SCMP_SYS(getdents64), SCMP_SYS(fcntl),
    SCMP_SYS(lseek), /* partial tiles that are done with */
};

/* Whether a folder was made by `lazaret ledger init`, whatever has become of it since. */
static bool was_ledger(const char *path)
{
    static const char *const traces[] = {STORE_CHECKPOINT, STORE_KEYS, STORE_LOCK};
    char trace[PATH_MAX];

    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++)
        if (snprintf(trace, sizeof trace, "%s/%s", path, traces[i]) < PATH_MAX && access(trace, F_OK) == 0)
            return true;
    return false;
}

/*
 * A ledger that is there, and whose checkpoint is not to be read, is of no use to us: no input of the evaluation's is
 * wrong. What opens without our keys failed because of them.
 */
static int blame(const struct appender_state *state, int r, struct error *err)
{
    CLEANUP_LEDGER struct ledger *ledger = NULL;

    if ((err->kind != ERROR_BAD_INPUT && err->kind != ERROR_NO_INPUT) || !was_ledger(state->path) ||
        ledger_open(state->path, NULL, 0, &ledger, NULL) == 0)
        return r;
    err->kind = ERROR_UNAVAILABLE;
    return error_prefix(err, "the ledger is damaged ('lazaret ledger verify' says where)");
}

static int open_ledger(struct appender_state *state, struct error *err)
{
    const char *paths[LEDGER_SECRETS_MAX];
    char text[KEY_PATHS_MAX], *rest = text, *part;
    size_t count = 0;
    int r = 0;

    if (state->key_paths == NULL)
        r = ledger_default_key_path(state->path, text, sizeof text);
    else if (strlen(state->key_paths) >= sizeof text)
        r = -ENAMETOOLONG;
    else
        memcpy(text, state->key_paths, strlen(state->key_paths) + 1);
    if (r < 0)
        return error_set(err, ERROR_USAGE, r, "the path of the ledger's key is too long");
    if (state->key_paths == NULL)
        paths[count++] = text; /* a folder's name may hold commas */
    while (state->key_paths != NULL && (part = strsep(&rest, ",")) != NULL) {
        if (count == LEDGER_SECRETS_MAX)
            return error_set(err, ERROR_USAGE, -EINVAL, "at most %u keys of a ledger sign at once", LEDGER_SECRETS_MAX);
        paths[count++] = part;
    }
    r = ledger_open(state->path, paths, count, &state->ledger, err);
    if (r < 0 && err->kind == ERROR_MISMATCH) /* of no use to us, which is no verdict on anything */
        err->kind = ERROR_UNAVAILABLE;
    return r < 0 ? blame(state, r, err) : 0;
}

static int greet(const struct ledger *ledger, struct buffer *ret_keys, struct error *err)
{
    CLEANUP_BUFFER struct buffer line = buffer_with_limit(NOTE_SIZE_MAX);
    int r = 0;

    for (size_t i = 0; r == 0 && i < ledger->key_count; i++) {
        r = note_key_encode(&ledger->keys[i], ret_keys);
        if (r == 0)
            r = buffer_append_u8(ret_keys, '\n');
    }
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for the ledger's keys");
    return note_sign("", 0, &ledger->keys[0], ledger->secrets[0], 0, &line, err);
}

static int open_appender(void *argument, int socket, struct buffer *ret_keys, struct error *err)
{
    struct appender_state *state = argument;
    int r = open_ledger(state, err), fds[2];

    if (r == 0)
        r = greet(state->ledger, ret_keys, err);
    if (r < 0)
        return r;
    fds[0] = socket;
    fds[1] = state->ledger->store.fd;
    json_object_seed(0); /* jansson opens /dev/urandom for it, which confinement forbids */
    const struct confine_profile profile = {
        .name = "lazaret-ledger",
        .folder_fd = &fds[1],
        .keep_fds = fds,
        .keep_fd_count = 2,
        .system_calls = system_calls,
        .system_call_count = sizeof system_calls / sizeof system_calls[0],
        .address_space_max = ADDRESS_SPACE_MAX,
        .open_files_max = 32,
        .file_size_max = FILE_SIZE_MAX,
    };
    return confine_self(&profile, err);
}

static int check_turn(const struct appender_state *state, const void *leaf, size_t size, struct error *err)
{
    struct leaf read;
    int r;

    if (state->appended == sizeof order / sizeof order[0])
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the job has logged all that it may");
    r = ledger_leaf_read(leaf, size, "the leaf to be logged", &read, err);
    if (r == 0 && read.kind != order[state->appended])
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "a job logs its intent first, and then one signed result");
    return r;
}

static int append_for_job(struct appender_state *state, const void *leaf, size_t size,
                          struct ledger_receipt *ret_receipt, struct error *err)
{
    int r = check_turn(state, leaf, size, err);

    if (r < 0)
        return r;
    state->appended++; /* also where it fails: it may be in the ledger nevertheless */
    r = ledger_append(state->ledger, leaf, size, ret_receipt, err);
    if (r < 0)
        err->kind = ERROR_UNAVAILABLE;
    return r;
}

static int append_for_farm(struct appender_state *state, uint64_t since, const void *leaf, size_t size,
                           struct ledger_receipt *ret_receipt, struct error *err)
{
    struct leaf read;
    int r = ledger_leaf_read(leaf, size, "the leaf to be logged", &read, err);

    if (r == 0 && read.kind != LEAF_DSSE)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "a farm logs signed results");
    if (r < 0)
        return r;
    r = ledger_append_once(state->ledger, leaf, size, since, ret_receipt, err);
    if (r < 0)
        err->kind = ERROR_UNAVAILABLE;
    return r;
}

static int append(void *argument, const void *request, size_t size, struct buffer *ret_proof, struct error *err)
{
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct appender_state *state = argument;
    struct cursor cursor = cursor_over(request, size);
    const uint8_t *leaf;
    uint64_t since = 0;
    int r = 0;

    if (state->is_farms && cursor_read_u64le(&cursor, &since) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "no leaf to be logged");
    size = cursor_left(&cursor);
    leaf = (const uint8_t *)request + cursor.offset;
    r = state->is_farms ? append_for_farm(state, since, leaf, size, &receipt, err)
                        : append_for_job(state, leaf, size, &receipt, err);
    if (r < 0 && err->kind == ERROR_UNAVAILABLE)
        return error_prefix(err, "the ledger can't be appended to");
    if (r < 0)
        return r;
    r = proof_encode(&receipt, leaf, size, ret_proof);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for a proof") : 0;
}

const struct helper_service appender_service = {
    .name = "the ledger's appender",
    .request_max = APPENDER_SINCE_SIZE + LEDGER_LEAF_MAX,
    .reply_max = PROOF_SIZE_MAX,
    .open = open_appender,
    .answer = append,
};
