/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing a message's fields. PROTOCOL.md, section 4: a payload is one msgpack array
 * whose members stand in a fixed order.
 *
 * msgpack-c allocates what a header announces before it has seen the members, so a payload is first
 * walked by the bounded cursor (codec_check): no array announces more members than bytes follow,
 * and nothing nests deeper than CODEC_DEPTH_MAX. Only then does msgpack-c see it.
 *
 * Readers and writers remember their first failure, so that a codec reads like its message's table;
 * after a failure every reader yields zero.
 */
#ifndef LAZARET_WIRE_CODEC_H
#define LAZARET_WIRE_CODEC_H

#include "base/buffer.h"
#include "base/error.h"
#include "wire/message.h"

#include <msgpack.h>

#define CODEC_DEPTH_MAX   8u
#define CODEC_MEMBERS_MAX 65536u /* of all arrays of a payload together */

/* --- reading ---------------------------------------------------------------------------------- */

struct codec_reader {
    const msgpack_object *members;
    uint32_t count, next;
    const char *context; /* the message's name */
    int code;            /* 0, or the first failure; shared with sub-readers by copying back */
    struct error *err;
};

/* Checks the structure of a payload: exactly one array, within the limits. */
MUST_USE int codec_check(const uint8_t *payload, size_t size);

/*
 * Unpacks a checked payload into `ret_unpacked` (destroy it with msgpack_unpacked_destroy) and
 * starts a reader over its members.
 */
MUST_USE int codec_read(const uint8_t *payload, size_t size, const char *context, msgpack_unpacked *ret_unpacked,
                        struct codec_reader *ret_reader, struct error *err);

uint64_t codec_get_u64(struct codec_reader *reader, uint64_t maximum);
uint32_t codec_get_u32(struct codec_reader *reader, uint32_t maximum);
int32_t codec_get_i32(struct codec_reader *reader);
bool codec_get_bool(struct codec_reader *reader);
double codec_get_finite(struct codec_reader *reader);
void codec_get_digest(struct codec_reader *reader, uint8_t ret_digest[SHA256_SIZE]);
struct message_blob codec_get_blob(struct codec_reader *reader, uint32_t maximum);
/* Printable ASCII, borrowed. */
struct message_text codec_get_text(struct codec_reader *reader, uint32_t maximum);
/* Any text without NUL, copied into `size` bytes with a final NUL. */
void codec_get_name(struct codec_reader *reader, char *ret_name, size_t size);
/* The next member, an array of at most `maximum` members, as a reader of its own. */
struct codec_reader codec_get_array(struct codec_reader *reader, uint32_t maximum);
/* Ends a sub-reader: all its members read; its failure becomes the parent's. */
void codec_end_array(struct codec_reader *reader, const struct codec_reader *array);
/* Records that a value contradicts its table. */
void codec_refuse(struct codec_reader *reader, const char *what);
/* The outcome: 0 when every member was read and none refused. */
MUST_USE int codec_finish(struct codec_reader *reader);

/* --- writing ---------------------------------------------------------------------------------- */

struct codec_writer {
    msgpack_packer packer;
    struct buffer *buffer;
    size_t start; /* of the frame in the buffer */
    int code;
};

/* Starts a frame of `type` whose payload is an array of `members`. The writer must not move. */
void codec_write(struct codec_writer *writer, struct buffer *buffer, enum message_type type, uint32_t members);
void codec_put_u64(struct codec_writer *writer, uint64_t value);
void codec_put_i32(struct codec_writer *writer, int32_t value);
void codec_put_bool(struct codec_writer *writer, bool value);
void codec_put_finite(struct codec_writer *writer, double value);
void codec_put_digest(struct codec_writer *writer, const uint8_t digest[SHA256_SIZE]);
void codec_put_blob(struct codec_writer *writer, struct message_blob blob);
/* What is not printable ASCII becomes '?', what is beyond `maximum` is cut. */
void codec_put_text(struct codec_writer *writer, struct message_text text, uint32_t maximum);
void codec_put_name(struct codec_writer *writer, const char *name);
void codec_put_array(struct codec_writer *writer, uint32_t members);
/* Completes the header. On failure the buffer is as it was before codec_write. */
MUST_USE int codec_write_end(struct codec_writer *writer);

#endif
