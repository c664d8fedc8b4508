/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nanopb over the bounded cursor: messages are walked in place, strings and bytes are spans.
 *
 * A callback that finds a fault records it with decoder_fail and returns false; onnx_decode then
 * returns it. A fault that nanopb finds by itself (a length beyond its message, an endless
 * varint) becomes "malformed or truncated at byte N".
 */
#ifndef LAZARET_GUEST_MODEL_ONNX_DECODE_H
#define LAZARET_GUEST_MODEL_ONNX_DECODE_H

#include "guest/model/onnx.h"

#include "onnx.pb.h"
#include <pb_decode.h>

struct decoder {
    struct cursor cursor;
    struct error *err;
    int code; /* the first fault, or 0 */
};

/* Decodes the message in [offset, offset + size) of `file` into `message`, whose callbacks are set. */
MUST_USE int onnx_decode(struct decoder *decoder, struct span file, size_t offset, size_t size,
                         const pb_msgdesc_t *fields, void *message, struct error *err);

/* The two halves of it: a stream over those bytes, and after a callback returned false the error to return. */
pb_istream_t decoder_start(struct decoder *decoder, struct span file, size_t offset, size_t size, struct error *err);
int decoder_finish(struct decoder *decoder, const pb_istream_t *stream);

/* The decoder behind a stream; NULL (and a fault for the caller to return) where the field has the wrong wire type. */
struct decoder *decoder_of(const pb_istream_t *stream);

/* Records the first fault; always false, for callbacks to return. */
bool decoder_fail(struct decoder *decoder, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The rest of a length-delimited field, as a span. */
bool decoder_take(pb_istream_t *stream, struct span *ret_span);

/* Callbacks. *arg is where the result goes. */
bool decode_span(pb_istream_t *stream, const pb_field_t *field, void **arg); /* struct span: any bytes */
bool decode_name(pb_istream_t *stream, const pb_field_t *field,
                 void **arg); /* struct span: at most MODEL_NAME_MAX, no NUL */
bool decode_presence(pb_istream_t *stream, const pb_field_t *field, void **arg); /* bool: the field is there; skipped */

/* onnx_tensor.c: a TensorProto that the stream holds. */
bool onnx_tensor_decode(pb_istream_t *stream, struct onnx_tensor *ret_tensor);
/* onnx_attribute.c: an AttributeProto that the stream holds, added to the attributes. */
bool onnx_attribute_decode(pb_istream_t *stream, struct onnx_attributes *attributes);

#endif
