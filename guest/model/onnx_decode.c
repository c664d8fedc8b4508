/* SPDX-License-Identifier: Apache-2.0 */
/* nanopb over the bounded cursor: messages are walked in place, strings and bytes are spans. */
#include "guest/model/onnx_decode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool read_stream(pb_istream_t *stream, pb_byte_t *buffer, size_t count)
{
    struct decoder *decoder = stream->state;

    if (buffer == NULL)
        return cursor_skip(&decoder->cursor, count) == 0;
    return cursor_copy(&decoder->cursor, buffer, count) == 0;
}

struct decoder *decoder_of(const pb_istream_t *stream)
{
    /* nanopb hands a number to a callback in a stream over its own stack, not over the file. */
    return stream->callback == read_stream ? stream->state : NULL;
}

bool decoder_fail(struct decoder *decoder, enum error_kind kind, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;

    if (decoder == NULL || decoder->code != 0)
        return false;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    decoder->code = error_set(decoder->err, kind, kind == ERROR_UNAVAILABLE ? -EOPNOTSUPP : -EBADMSG, "%s", text);
    return false;
}

pb_istream_t decoder_start(struct decoder *decoder, struct span file, size_t offset, size_t size, struct error *err)
{
    *decoder = (struct decoder){.cursor = cursor_over(file.data, file.size), .err = err};
    if (cursor_seek(&decoder->cursor, offset) < 0 || size > cursor_left(&decoder->cursor))
        size = 0; /* offsets come from an earlier pass over the same bytes: never */
    return (pb_istream_t){.callback = read_stream, .state = decoder, .bytes_left = size, .errmsg = NULL};
}

int decoder_finish(struct decoder *decoder, const pb_istream_t *stream)
{
    if (decoder->code == 0)
        decoder->code =
            error_set(decoder->err, ERROR_BAD_INPUT, -EBADMSG, "malformed or truncated at byte %zu (%s)",
                      decoder->cursor.offset, stream->errmsg != NULL ? stream->errmsg : "not the field's type");
    return decoder->code;
}

int onnx_decode(struct decoder *decoder, struct span file, size_t offset, size_t size, const pb_msgdesc_t *fields,
                void *message, struct error *err)
{
    pb_istream_t stream = decoder_start(decoder, file, offset, size, err);

    return pb_decode(&stream, fields, message) ? 0 : decoder_finish(decoder, &stream);
}

bool decoder_take(pb_istream_t *stream, struct span *ret_span)
{
    struct decoder *decoder = decoder_of(stream);
    size_t size = stream->bytes_left;

    if (decoder == NULL || cursor_read_bytes(&decoder->cursor, size, &ret_span->data) < 0)
        return false;
    ret_span->size = size;
    stream->bytes_left = 0;
    return true;
}

bool decode_span(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return decoder_take(stream, *arg);
}

bool decode_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct decoder *decoder = decoder_of(stream);
    struct span name;

    (void)field;
    if (!decoder_take(stream, &name))
        return false;
    if (name.size > MODEL_NAME_MAX)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "the name '%s' before byte %zu has %zu bytes; the limit is %u",
                            SPAN_TEXT(name), decoder->cursor.offset, name.size, MODEL_NAME_MAX);
    if (name.size > 0 && memchr(name.data, '\0', name.size) != NULL)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "the name '%s' before byte %zu holds a NUL", SPAN_TEXT(name),
                            decoder->cursor.offset);
    *(struct span *)*arg = name;
    return true;
}

bool decode_presence(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct span skipped;

    (void)field;
    *(bool *)*arg = true;
    return decoder_of(stream) == NULL || decoder_take(stream, &skipped);
}
