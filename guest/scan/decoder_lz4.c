/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZ4: frames, legacy frames and skippable ones (LZ4 Frame Format Description 1.6; LZ4 Block Format Description).
 *
 * Theory of operation. A block is a row of sequences: literals, then a match that repeats up to 64 KiB of what came
 * before. Our own, since a library wants whole blocks of up to 8 MiB in memory, and a match needs 64 KiB. The last
 * 64 KiB are kept in a ring of their own, across blocks: a block that claims to be independent simply never reaches
 * back. Checksums are passed over, as lenient loaders do.
 */
#include "guest/scan/codec.h"

#include <errno.h>
#include <string.h>

#define MAGIC_FRAME     0x184d2204u
#define MAGIC_LEGACY    0x184c2102u
#define MAGIC_SKIPPABLE 0x184d2a50u /* and the 15 above */
#define RING_SIZE       65536u
#define LEGACY_MAX      ((8u << 20) + (8u << 20) / 255 + 16) /* bytes of 8 MiB that can't be compressed */
#define MATCH_MIN       4u

/* Frame descriptor flags. */
#define FLAG_DICTIONARY   0x01u
#define FLAG_CHECKSUM     0x04u
#define FLAG_CONTENT_SIZE 0x08u
#define FLAG_BLOCK_SUMS   0x10u
#define BLOCK_STORED      0x80000000u

enum stage {
    STAGE_HEADER,
    STAGE_SKIP,
    STAGE_BLOCK,
    STAGE_STORED,
    STAGE_SEQUENCE,
    STAGE_LITERALS,
    STAGE_MATCH,
    STAGE_COPY
};

struct lz4 {
    struct codec codec;
    enum stage stage;
    uint8_t flags;
    bool legacy;
    uint32_t left;     /* of the block's bytes, or of the frame to skip */
    uint64_t literals; /* yet to be copied */
    uint64_t match;    /* likewise */
    uint32_t distance;
    uint64_t made; /* bytes of the frame so far */
    uint8_t ring[RING_SIZE];
};

static uint32_t u32le(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static bool begins_lz4(const uint8_t *in, size_t size)
{
    uint32_t magic = size >= 4 ? u32le(in) : 0;

    return magic == MAGIC_FRAME || magic == MAGIC_LEGACY || (magic & 0xfffffff0u) == MAGIC_SKIPPABLE;
}

static int start_lz4(struct codec *codec, struct error *err)
{
    (void)codec;
    (void)err;
    return 0;
}

static void stop_lz4(struct codec *codec)
{
    (void)codec;
}

static int damaged(struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "lz4: the data is damaged");
}

/* What is left of a step's input and output. */
static size_t in_left(const struct codec_step *step)
{
    return step->in_size - step->used;
}

static size_t out_left(const struct codec_step *step)
{
    return step->out_size - step->made;
}

/* --- frames --------------------------------------------------------------------------------------------- */

/* Each reads one thing where all of it is there, and makes no step where it is not. */
static int run_header(struct lz4 *lz4, struct codec_step *step, struct error *err)
{
    const uint8_t *in = step->in + step->used;
    size_t size;

    if (in_left(step) < 7)
        return 0;
    if (u32le(in) == MAGIC_LEGACY) {
        lz4->legacy = true;
        lz4->stage = STAGE_BLOCK;
        step->used += 4;
        return 0;
    }
    if (u32le(in) != MAGIC_FRAME) {
        if (in_left(step) < 8)
            return 0;
        lz4->left = u32le(in + 4);
        lz4->stage = STAGE_SKIP;
        step->used += 8;
        return 0;
    }
    lz4->flags = in[4];
    if (lz4->flags >> 6 != 1)
        return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "lz4: a frame of version %u", lz4->flags >> 6);
    size = 7 + ((lz4->flags & FLAG_CONTENT_SIZE) != 0 ? 8u : 0u) + ((lz4->flags & FLAG_DICTIONARY) != 0 ? 4u : 0u);
    if (in_left(step) < size)
        return 0;
    lz4->stage = STAGE_BLOCK;
    step->used += size;
    return 0;
}

static void run_skip(struct lz4 *lz4, struct codec_step *step)
{
    size_t part = in_left(step) < lz4->left ? in_left(step) : lz4->left;

    lz4->left -= (uint32_t)part;
    step->used += part;
    step->ended = lz4->left == 0;
}

/* A size that no block has belongs to what follows: a magic, or bytes that are no LZ4's. */
static int run_legacy_block(struct lz4 *lz4, struct codec_step *step, uint32_t size)
{
    if (size > LEGACY_MAX) {
        step->ended = true;
        return 0;
    }
    lz4->left = size;
    lz4->stage = STAGE_SEQUENCE;
    step->used += 4;
    return 0;
}

static int run_block(struct lz4 *lz4, struct codec_step *step)
{
    uint32_t size;

    if (in_left(step) < 4) {
        step->ended = lz4->legacy && step->in_size == 0; /* nothing marks a legacy frame's end */
        return 0;
    }
    size = u32le(step->in + step->used);
    if (lz4->legacy)
        return run_legacy_block(lz4, step, size);
    if (size == 0) {
        size_t tail = (lz4->flags & FLAG_CHECKSUM) != 0 ? 8 : 4;

        if (in_left(step) < tail && step->used > 0)
            return 0; /* the next view may have more */
        step->checksum_wrong = in_left(step) < tail;
        step->used += step->checksum_wrong ? in_left(step) : tail;
        step->ended = true;
        return 0;
    }
    lz4->left = size & ~BLOCK_STORED;
    lz4->stage = (size & BLOCK_STORED) != 0 ? STAGE_STORED : STAGE_SEQUENCE;
    step->used += 4;
    return 0;
}

/* The end of a block, where its bytes are used up. */
static void end_block(struct lz4 *lz4, struct codec_step *step)
{
    size_t sum = !lz4->legacy && (lz4->flags & FLAG_BLOCK_SUMS) != 0 ? 4 : 0;

    if (in_left(step) < sum)
        return;
    step->used += sum;
    lz4->stage = STAGE_BLOCK;
}

/* --- blocks --------------------------------------------------------------------------------------------- */

static void emit(struct lz4 *lz4, struct codec_step *step, const uint8_t *bytes, size_t size)
{
    memcpy(step->out + step->made, bytes, size);
    step->made += size;
    for (size_t done = 0; done < size;) {
        size_t at = (size_t)(lz4->made % RING_SIZE), part = RING_SIZE - at;

        if (part > size - done)
            part = size - done;
        memcpy(lz4->ring + at, bytes + done, part);
        done += part;
        lz4->made += part;
    }
}

/* Copies bytes of the input; how many. */
static size_t copy_in(struct lz4 *lz4, struct codec_step *step, uint64_t want)
{
    size_t part = in_left(step) < out_left(step) ? in_left(step) : out_left(step);

    if (part > lz4->left)
        part = lz4->left;
    if (part > want)
        part = (size_t)want;
    emit(lz4, step, step->in + step->used, part);
    step->used += part;
    lz4->left -= (uint32_t)part;
    return part;
}

static bool take(struct lz4 *lz4, struct codec_step *step, uint8_t *ret_byte)
{
    if (lz4->left == 0 || in_left(step) == 0)
        return false;
    *ret_byte = step->in[step->used++];
    lz4->left--;
    return true;
}

/* A length of 15 goes on in bytes of 255. False where the input ends within. */
static bool take_length(struct lz4 *lz4, struct codec_step *step, uint64_t *length)
{
    uint8_t byte = 255;

    while (byte == 255) {
        if (!take(lz4, step, &byte))
            return false;
        *length += byte;
    }
    return true;
}

/* A sequence's token and length of literals. It is read as a whole or, where the view ends before, not at all. */
static void run_sequence(struct lz4 *lz4, struct codec_step *step)
{
    size_t used = step->used;
    uint32_t left = lz4->left;
    uint8_t token = 0;

    if (left == 0) {
        end_block(lz4, step);
        return;
    }
    if (take(lz4, step, &token)) {
        lz4->literals = token >> 4;
        lz4->match = token & 15u;
        if (lz4->literals < 15 || take_length(lz4, step, &lz4->literals)) {
            lz4->stage = STAGE_LITERALS;
            return;
        }
    }
    step->used = used;
    lz4->left = left;
}

static int run_literals(struct lz4 *lz4, struct codec_step *step, struct error *err)
{
    lz4->literals -= copy_in(lz4, step, lz4->literals);
    if (lz4->literals == 0)
        lz4->stage = lz4->left == 0 ? STAGE_SEQUENCE : STAGE_MATCH; /* a block's last sequence has no match */
    else if (lz4->left == 0)
        return damaged(err);
    return 0;
}

static int run_match(struct lz4 *lz4, struct codec_step *step, struct error *err)
{
    size_t used = step->used;
    uint32_t left = lz4->left;
    uint8_t low = 0, high = 0;
    uint64_t length = lz4->match;

    if (!take(lz4, step, &low) || !take(lz4, step, &high) || (length == 15 && !take_length(lz4, step, &length))) {
        if (lz4->left == 0)
            return damaged(err);
        step->used = used;
        lz4->left = left;
        return 0;
    }
    lz4->distance = (uint32_t)(low | high << 8);
    if (lz4->distance == 0 || lz4->distance > lz4->made)
        return damaged(err);
    lz4->match = length + MATCH_MIN;
    lz4->stage = STAGE_COPY;
    return 0;
}

static void run_copy(struct lz4 *lz4, struct codec_step *step)
{
    while (lz4->match > 0 && out_left(step) > 0) {
        size_t from = (size_t)((lz4->made - lz4->distance) % RING_SIZE), part = RING_SIZE - from;
        uint8_t piece[256];

        if (part > sizeof piece)
            part = sizeof piece;
        if (part > lz4->distance)
            part = lz4->distance;
        if (part > lz4->match)
            part = (size_t)lz4->match;
        if (part > out_left(step))
            part = out_left(step);
        memcpy(piece, lz4->ring + from, part);
        emit(lz4, step, piece, part);
        lz4->match -= part;
    }
    if (lz4->match == 0)
        lz4->stage = STAGE_SEQUENCE;
}

/* One thing, where there is enough input and output for it. */
static int run_stage(struct lz4 *lz4, struct codec_step *step, struct error *err)
{
    switch (lz4->stage) {
    case STAGE_HEADER:
        return run_header(lz4, step, err);
    case STAGE_SKIP:
        run_skip(lz4, step);
        return 0;
    case STAGE_BLOCK:
        return run_block(lz4, step);
    case STAGE_STORED:
        (void)copy_in(lz4, step, lz4->left);
        if (lz4->left == 0)
            end_block(lz4, step);
        return 0;
    case STAGE_SEQUENCE:
        run_sequence(lz4, step);
        return 0;
    case STAGE_LITERALS:
        return run_literals(lz4, step, err);
    case STAGE_MATCH:
        return run_match(lz4, step, err);
    case STAGE_COPY:
        run_copy(lz4, step);
        return 0;
    }
    return 0;
}

static int run_lz4(struct codec *codec, struct codec_step *step, struct error *err)
{
    struct lz4 *lz4 = (struct lz4 *)codec;

    for (;;) {
        size_t used = step->used, made = step->made;
        enum stage stage = lz4->stage;
        int r = run_stage(lz4, step, err);

        if (r < 0 || step->ended)
            return r;
        if (step->used == used && step->made == made && lz4->stage == stage)
            return 0;
    }
}

const struct codec_class codec_lz4 = {.name = "lz4",
                                      .size = sizeof(struct lz4),
                                      .start = start_lz4,
                                      .run = run_lz4,
                                      .stop = stop_lz4,
                                      .begins = begins_lz4};
