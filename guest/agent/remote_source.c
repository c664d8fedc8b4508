/* SPDX-License-Identifier: Apache-2.0 */
/* A source over READ: blocks of the file in memory, the least recently used replaced first. */
#include "guest/agent/remote_source.h"

#include "guest/agent/window_pipe.h"
#include "guest/scan/limits.h"
#include "wire/session_scan.h"

#include <errno.h>
#include <string.h>

enum slot_state { SLOT_EMPTY, SLOT_ASKED, SLOT_READY };

struct slot {
    enum slot_state state;
    uint64_t block, used; /* used: the tick of its last use */
    uint8_t *bytes;       /* REMOTE_BLOCK, once it was needed */
};

struct remote {
    struct source source;
    struct remote_options options;
    struct slot slots[REMOTE_BLOCKS];
    struct slot *asked[MESSAGE_READS_MAX]; /* without an answer, the oldest first */
    uint32_t asked_count;
    uint64_t tick, last_block, left; /* left: bytes that may still be asked for */
    uint8_t joined[SCAN_VIEW_MAX];   /* a view over the border of two blocks */
};

int remote_put_answer(struct buffer *buffer, const struct message_blob *bytes)
{
    const struct remote_answer answer = {.size = bytes != NULL ? bytes->size : 0};
    int r = buffer_append(buffer, &answer, sizeof answer);

    if (r == 0 && bytes != NULL)
        r = buffer_append(buffer, bytes->data, bytes->size);
    return r;
}

/* --- asking ---------------------------------------------------------------------------------------- */

static uint32_t block_size(const struct remote *remote, uint64_t block)
{
    uint64_t left = remote->options.size - block * REMOTE_BLOCK;

    return left < REMOTE_BLOCK ? (uint32_t)left : REMOTE_BLOCK;
}

static struct slot *find(struct remote *remote, uint64_t block)
{
    for (unsigned i = 0; i < REMOTE_BLOCKS; i++)
        if (remote->slots[i].state != SLOT_EMPTY && remote->slots[i].block == block)
            return &remote->slots[i];
    return NULL;
}

/* The slot to use next: never one that waits for its bytes, of which there are fewer than slots. */
static struct slot *oldest(struct remote *remote)
{
    struct slot *best = NULL;

    for (unsigned i = 0; i < REMOTE_BLOCKS; i++) {
        struct slot *slot = &remote->slots[i];

        if (slot->state == SLOT_EMPTY)
            return slot;
        if (slot->state == SLOT_READY && (best == NULL || slot->used < best->used))
            best = slot;
    }
    return best;
}

static int ask(struct remote *remote, uint64_t block, struct slot **ret_slot, struct error *err)
{
    struct message message = {.type = MESSAGE_READ,
                              .read = {.offset = block * REMOTE_BLOCK, .size = block_size(remote, block)}};
    struct slot *slot = oldest(remote);
    int r;

    if (message.read.size > remote->left)
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "the scan reads the file too often");
    if (slot->bytes == NULL)
        slot->bytes = malloc(REMOTE_BLOCK);
    if (slot->bytes == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a block of the file");
    r = remote->options.send(remote->options.argument, &message, err);
    if (r < 0)
        return -EIO;
    remote->left -= message.read.size;
    slot->state = SLOT_ASKED;
    slot->block = block;
    slot->used = ++remote->tick;
    remote->asked[remote->asked_count++] = slot;
    *ret_slot = slot;
    return 0;
}

/* --- answers ---------------------------------------------------------------------------------------- */

static int read_all(int fd, void *ret_data, size_t size, struct error *err)
{
    if (window_pipe_read(fd, ret_data, size) < 0)
        return error_set(err, ERROR_INTERNAL, -EIO, "the supervisor is gone");
    return 0;
}

/* Takes in the oldest answer; a block that the host can't give is not there, which is no error yet. */
static int take_answer(struct remote *remote, struct error *err)
{
    struct slot *slot = remote->asked[0];
    struct remote_answer answer;
    int r = read_all(remote->options.input_fd, &answer, sizeof answer, err);

    if (r == 0 && answer.size != 0 && answer.size != block_size(remote, slot->block))
        r = error_set(err, ERROR_INTERNAL, -EIO, "an answer of another size than its question");
    if (r == 0 && answer.size > 0)
        r = read_all(remote->options.input_fd, slot->bytes, answer.size, err);
    if (r < 0)
        return r;
    slot->state = answer.size > 0 ? SLOT_READY : SLOT_EMPTY;
    remote->asked_count--;
    memmove(remote->asked, remote->asked + 1, remote->asked_count * sizeof remote->asked[0]);
    return 0;
}

int remote_source_settle(struct source *source, struct error *err)
{
    struct remote *remote = (struct remote *)source;
    int r = 0;

    while (r == 0 && remote->asked_count > 0)
        r = take_answer(remote, err);
    return r;
}

/* Blocks after one that followed its predecessor; what can't be asked for now will be when it is needed. */
static void ask_ahead(struct remote *remote, uint64_t block)
{
    for (unsigned i = 1; i <= REMOTE_AHEAD && remote->asked_count < MESSAGE_READS_MAX; i++) {
        struct slot *slot;

        if ((block + i) * REMOTE_BLOCK >= remote->options.size)
            return;
        if (find(remote, block + i) == NULL && ask(remote, block + i, &slot, NULL) < 0)
            return;
    }
}

static int get_block(struct remote *remote, uint64_t block, const struct slot **ret_slot, struct error *err)
{
    struct slot *slot = find(remote, block);
    bool follows = block == remote->last_block + 1;
    int r = 0;

    remote->last_block = block;
    if (slot == NULL && remote->asked_count == MESSAGE_READS_MAX)
        r = take_answer(remote, err);
    if (r == 0 && slot == NULL)
        r = ask(remote, block, &slot, err);
    if (r < 0)
        return r;
    slot->used = ++remote->tick;
    if (follows)
        ask_ahead(remote, block);
    while (slot->state == SLOT_ASKED) {
        r = take_answer(remote, err);
        if (r < 0)
            return r;
    }
    if (slot->state == SLOT_EMPTY)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "the host could not give the bytes");
    *ret_slot = slot;
    return 0;
}

/* --- the source --------------------------------------------------------------------------------------- */

/* `want` bytes that lie in two blocks. */
static int join(struct remote *remote, uint64_t offset, size_t want, const struct slot *slot, struct error *err)
{
    size_t at = (size_t)(offset % REMOTE_BLOCK), first = REMOTE_BLOCK - at;
    int r;

    memcpy(remote->joined, slot->bytes + at, first);
    r = get_block(remote, offset / REMOTE_BLOCK + 1, &slot, err);
    if (r == 0)
        memcpy(remote->joined + first, slot->bytes, want - first);
    return r;
}

static int remote_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                       struct error *err)
{
    struct remote *remote = (struct remote *)source;
    const struct slot *slot;
    size_t at, here;
    int r;

    if (offset >= remote->options.size) {
        *ret_bytes = remote->joined;
        *ret_size = 0;
        return 0;
    }
    if (want > remote->options.size - offset)
        want = (size_t)(remote->options.size - offset);
    r = get_block(remote, offset / REMOTE_BLOCK, &slot, err);
    if (r < 0)
        return r;
    at = (size_t)(offset % REMOTE_BLOCK);
    here = block_size(remote, slot->block) - at;
    if (here >= want) {
        *ret_bytes = slot->bytes + at;
        *ret_size = here;
        return 0;
    }
    r = join(remote, offset, want, slot, err);
    if (r < 0)
        return r;
    *ret_bytes = remote->joined;
    *ret_size = want;
    return 0;
}

static int remote_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    (void)err;
    *ret_size = ((const struct remote *)source)->options.size;
    return 0;
}

static void remote_free(struct source *source)
{
    struct remote *remote = (struct remote *)source;

    for (unsigned i = 0; i < REMOTE_BLOCKS; i++)
        free(remote->slots[i].bytes);
    free(remote);
}

struct source *remote_source_open(const struct remote_options *options)
{
    static const struct source_class class = {.view = remote_view, .size = remote_size, .free = remote_free};
    struct remote *remote = calloc(1, sizeof *remote);

    if (remote == NULL)
        return NULL;
    remote->source.class = &class;
    remote->options = *options;
    remote->left = session_scan_served_max(options->size);
    return &remote->source;
}
