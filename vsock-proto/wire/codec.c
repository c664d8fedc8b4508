/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing a message's fields by msgpack-c, behind a check of the structure. */
#include "wire/codec.h"

#include "base/cursor.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- the structure's check (the msgpack specification's table of formats) ----------------------
 */

/* What one format byte announces: bytes that follow, and members that follow those. */
struct token {
    size_t bytes;
    uint64_t members;
};

static int read_length(struct cursor *cursor, unsigned size, uint64_t *ret_length)
{
    const uint8_t *bytes;
    int r = cursor_read_bytes(cursor, size, &bytes);

    if (r < 0)
        return r;
    *ret_length = 0;
    for (unsigned i = 0; i < size; i++) /* msgpack is big-endian */
        *ret_length = *ret_length << 8 | bytes[i];
    return 0;
}

/* Only what Lazaret's messages use: integers, floats, booleans, strings, binary, arrays. */
static int read_token(struct cursor *cursor, struct token *ret_token)
{
    uint64_t length = 0;
    uint8_t format = 0;
    int r = cursor_read_u8(cursor, &format);

    *ret_token = (struct token){0};
    if (r < 0)
        return r;
    if (format <= 0x7f || format >= 0xe0 || format == 0xc2 || format == 0xc3)
        return 0; /* fixint, booleans */
    if (format >= 0x90 && format <= 0x9f)
        ret_token->members = format & 0x0f; /* fixarray */
    else if (format >= 0xa0 && format <= 0xbf)
        ret_token->bytes = format & 0x1f; /* fixstr */
    else if (format >= 0xc4 && format <= 0xc6) {
        r = read_length(cursor, 1U << (format - 0xc4), &length); /* bin 8, 16, 32 */
        ret_token->bytes = length;
    } else if (format == 0xca || format == 0xcb)
        ret_token->bytes = format == 0xca ? 4 : 8; /* float 32, 64 */
    else if (format >= 0xcc && format <= 0xd3)
        ret_token->bytes = (size_t)1 << ((format - 0xcc) & 3); /* uint and int 8 to 64 */
    else if (format >= 0xd9 && format <= 0xdb) {
        r = read_length(cursor, 1U << (format - 0xd9), &length); /* str 8, 16, 32 */
        ret_token->bytes = length;
    } else if (format == 0xdc || format == 0xdd)
        r = read_length(cursor, format == 0xdc ? 2 : 4, &ret_token->members); /* array 16, 32 */
    else
        return -EBADMSG; /* nil, ext, maps: no message has them */
    return r;
}

int codec_check(const uint8_t *payload, size_t size)
{
    struct cursor cursor = cursor_over(payload, size);
    uint64_t left[CODEC_DEPTH_MAX + 1] = {1}; /* members still to come, by depth */
    uint64_t members = 0;
    unsigned depth = 0;

    for (;;) {
        struct token token;
        int r;

        while (depth > 0 && left[depth] == 0)
            depth--;
        if (depth == 0 && left[0] == 0)
            break;
        left[depth]--;
        r = read_token(&cursor, &token);
        if (r == 0)
            r = cursor_skip(&cursor, token.bytes);
        if (r < 0)
            return r;
        if (token.members > cursor_left(&cursor) || (members += token.members) > CODEC_MEMBERS_MAX)
            return -EBADMSG;
        if (token.members > 0) {
            if (depth == CODEC_DEPTH_MAX)
                return -EBADMSG;
            left[++depth] = token.members;
        }
    }
    return cursor_left(&cursor) == 0 ? 0 : -EBADMSG;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int refuse(struct codec_reader *reader, const char *what)
{
    if (reader->code == 0)
        reader->code = error_set(reader->err, ERROR_GUEST, -EBADMSG, "message %s, member %u: %s", reader->context,
                                 reader->next, what);
    return reader->code;
}

void codec_refuse(struct codec_reader *reader, const char *what)
{
    (void)refuse(reader, what);
}

int codec_read(const uint8_t *payload, size_t size, const char *context, msgpack_unpacked *ret_unpacked,
               struct codec_reader *ret_reader, struct error *err)
{
    size_t offset = 0;
    int r = codec_check(payload, size);

    if (r < 0)
        return error_set(err, ERROR_GUEST, r, "message %s: the payload is not one array within the limits", context);
    msgpack_unpacked_init(ret_unpacked);
    if (msgpack_unpack_next(ret_unpacked, (const char *)payload, size, &offset) != MSGPACK_UNPACK_SUCCESS ||
        offset != size || ret_unpacked->data.type != MSGPACK_OBJECT_ARRAY) {
        msgpack_unpacked_destroy(ret_unpacked);
        return error_set(err, ERROR_GUEST, -EBADMSG, "message %s: the payload is not one array", context);
    }
    *ret_reader = (struct codec_reader){.members = ret_unpacked->data.via.array.ptr,
                                        .count = ret_unpacked->data.via.array.size,
                                        .context = context,
                                        .err = err};
    return 0;
}

/* The next member if it has the wanted type, else NULL and a failure. */
static const msgpack_object *next_member(struct codec_reader *reader, msgpack_object_type type, const char *wanted)
{
    const msgpack_object *member;

    if (reader->code < 0)
        return NULL;
    if (reader->next >= reader->count) {
        (void)refuse(reader, "missing");
        return NULL;
    }
    member = &reader->members[reader->next];
    if (member->type != type) {
        (void)refuse(reader, wanted);
        return NULL;
    }
    reader->next++;
    return member;
}

uint64_t codec_get_u64(struct codec_reader *reader, uint64_t maximum)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_POSITIVE_INTEGER, "not a natural number");

    if (member == NULL)
        return 0;
    if (member->via.u64 > maximum) {
        (void)refuse(reader, "a number beyond its limit");
        return 0;
    }
    return member->via.u64;
}

uint32_t codec_get_u32(struct codec_reader *reader, uint32_t maximum)
{
    return (uint32_t)codec_get_u64(reader, maximum);
}

int32_t codec_get_i32(struct codec_reader *reader)
{
    const msgpack_object *member;

    if (reader->code == 0 && reader->next < reader->count &&
        reader->members[reader->next].type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return (int32_t)codec_get_u64(reader, INT32_MAX);
    member = next_member(reader, MSGPACK_OBJECT_NEGATIVE_INTEGER, "not an integer");
    if (member == NULL)
        return 0;
    if (member->via.i64 < INT32_MIN) {
        (void)refuse(reader, "a number beyond its limit");
        return 0;
    }
    return (int32_t)member->via.i64;
}

bool codec_get_bool(struct codec_reader *reader)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_BOOLEAN, "not a boolean");

    return member != NULL && member->via.boolean;
}

double codec_get_finite(struct codec_reader *reader)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_FLOAT64, "not a 64-bit float");

    if (member == NULL)
        return 0;
    if (!isfinite(member->via.f64)) {
        (void)refuse(reader, "not a finite number");
        return 0;
    }
    return member->via.f64;
}

struct message_blob codec_get_blob(struct codec_reader *reader, uint32_t maximum)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_BIN, "not binary");

    if (member == NULL)
        return (struct message_blob){0};
    if (member->via.bin.size > maximum) {
        (void)refuse(reader, "more bytes than its limit");
        return (struct message_blob){0};
    }
    return (struct message_blob){.data = (const uint8_t *)member->via.bin.ptr, .size = member->via.bin.size};
}

void codec_get_digest(struct codec_reader *reader, uint8_t ret_digest[SHA256_SIZE])
{
    struct message_blob blob = codec_get_blob(reader, SHA256_SIZE);

    if (reader->code == 0 && blob.size == SHA256_SIZE)
        memcpy(ret_digest, blob.data, SHA256_SIZE);
    else if (reader->code == 0)
        (void)refuse(reader, "not a SHA-256");
}

/* A string of at most `maximum` bytes. */
static struct message_text get_string(struct codec_reader *reader, size_t maximum)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_STR, "not a string");

    if (member == NULL)
        return (struct message_text){.data = ""};
    if (member->via.str.size > maximum) {
        (void)refuse(reader, "a string beyond its limit");
        return (struct message_text){.data = ""};
    }
    return (struct message_text){.data = member->via.str.ptr, .size = member->via.str.size};
}

static bool is_printable(char character)
{
    return character >= 0x20 && character <= 0x7e;
}

struct message_text codec_get_text(struct codec_reader *reader, uint32_t maximum)
{
    struct message_text text = get_string(reader, maximum);

    for (uint32_t i = 0; i < text.size; i++)
        if (!is_printable(text.data[i])) {
            (void)refuse(reader, "a text with something that is not printable ASCII");
            return (struct message_text){.data = ""};
        }
    return text;
}

void codec_get_name(struct codec_reader *reader, char *ret_name, size_t size)
{
    struct message_text text = get_string(reader, size - 1);

    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
        (void)refuse(reader, "a name with a NUL inside");
        text.size = 0;
    }
    if (text.size > 0)
        memcpy(ret_name, text.data, text.size);
    ret_name[text.size] = '\0';
}

struct codec_reader codec_get_array(struct codec_reader *reader, uint32_t maximum)
{
    const msgpack_object *member = next_member(reader, MSGPACK_OBJECT_ARRAY, "not an array");
    struct codec_reader array = {.context = reader->context, .err = reader->err, .code = reader->code};

    if (member == NULL)
        return array;
    if (member->via.array.size > maximum) {
        array.code = refuse(reader, "an array beyond its limit");
        return array;
    }
    array.members = member->via.array.ptr;
    array.count = member->via.array.size;
    return array;
}

void codec_end_array(struct codec_reader *reader, const struct codec_reader *array)
{
    if (reader->code == 0 && array->code < 0)
        reader->code = array->code;
    if (reader->code == 0 && array->next != array->count)
        (void)refuse(reader, "an array with surplus members");
}

int codec_finish(struct codec_reader *reader)
{
    if (reader->code == 0 && reader->next != reader->count)
        (void)refuse(reader, "surplus");
    return reader->code;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void fail(struct codec_writer *writer, int code)
{
    if (writer->code == 0)
        writer->code = code;
}

static int append(void *data, const char *bytes, size_t size)
{
    struct codec_writer *writer = data;

    if (writer->code == 0)
        fail(writer, buffer_append(writer->buffer, bytes, size));
    return writer->code;
}

void codec_write(struct codec_writer *writer, struct buffer *buffer, enum message_type type, uint32_t members)
{
    struct frame_header header = {.type = (uint8_t)type};
    uint8_t bytes[FRAME_HEADER_SIZE];

    *writer = (struct codec_writer){.buffer = buffer, .start = buffer->size};
    msgpack_packer_init(&writer->packer, writer, append);
    frame_encode_header(&header, bytes);
    (void)append(writer, (const char *)bytes, sizeof bytes);
    codec_put_array(writer, members);
}

/* msgpack-c passes on what append() answered, which the writer remembers; its own results add
 * nothing. */
void codec_put_array(struct codec_writer *writer, uint32_t members)
{
    (void)msgpack_pack_array(&writer->packer, members);
}

void codec_put_u64(struct codec_writer *writer, uint64_t value)
{
    (void)msgpack_pack_uint64(&writer->packer, value);
}

void codec_put_i32(struct codec_writer *writer, int32_t value)
{
    (void)msgpack_pack_int32(&writer->packer, value);
}

void codec_put_bool(struct codec_writer *writer, bool value)
{
    (void)(value ? msgpack_pack_true(&writer->packer) : msgpack_pack_false(&writer->packer));
}

void codec_put_finite(struct codec_writer *writer, double value)
{
    if (!isfinite(value))
        fail(writer, -EINVAL);
    (void)msgpack_pack_double(&writer->packer, value);
}

void codec_put_blob(struct codec_writer *writer, struct message_blob blob)
{
    (void)msgpack_pack_bin_with_body(&writer->packer, blob.data, blob.size);
}

void codec_put_digest(struct codec_writer *writer, const uint8_t digest[SHA256_SIZE])
{
    codec_put_blob(writer, (struct message_blob){.data = digest, .size = SHA256_SIZE});
}

void codec_put_text(struct codec_writer *writer, struct message_text text, uint32_t maximum)
{
    uint32_t size = text.size < maximum ? text.size : maximum;

    (void)msgpack_pack_str(&writer->packer, size);
    for (uint32_t i = 0; i < size; i++)
        (void)append(writer, is_printable(text.data[i]) ? &text.data[i] : "?", 1);
}

void codec_put_name(struct codec_writer *writer, const char *name)
{
    (void)msgpack_pack_str_with_body(&writer->packer, name, strlen(name));
}

int codec_write_end(struct codec_writer *writer)
{
    struct buffer *buffer = writer->buffer;
    size_t size = buffer->size - writer->start;
    struct frame_header header;

    if (writer->code == 0 && size - FRAME_HEADER_SIZE > FRAME_PAYLOAD_MAX)
        fail(writer, -EMSGSIZE);
    if (writer->code < 0) {
        buffer->size = writer->start;
        return writer->code;
    }
    header =
        (struct frame_header){.type = buffer->data[writer->start + 4], .size = (uint32_t)(size - FRAME_HEADER_SIZE)};
    frame_encode_header(&header, buffer->data + writer->start);
    return 0;
}
