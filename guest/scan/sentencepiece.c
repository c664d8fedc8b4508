/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SentencePiece's models: a vocabulary, as most language models have one beside them (sentencepiece_model.proto).
 *
 * A file is taken for it where it is one message of ModelProto's fields to its end, pieces first: a text, a score and
 * a type. Its normaliser is a table of characters; nothing in it is run.
 */
#include "guest/scan/formats.h"

#include "guest/scan/proto.h"

#include <errno.h>

#define PIECES_LOOKED 64u /* pieces whose own fields are looked at */
#define FIELD_MAX     5u  /* of ModelProto: pieces, trainer, normaliser, tests, denormaliser */

static bool is_piece(const struct proto *model, const struct proto_field *field)
{
    struct proto piece = proto_within(model, field);
    struct proto_field part;
    bool text = false;
    int r;

    while ((r = proto_next(&piece, &part)) == 1) {
        if (part.number < 1 || part.number > 3)
            return false;
        if (part.type != (part.number == 1 ? PROTO_BYTES : part.number == 2 ? PROTO_FIXED32 : PROTO_VARINT))
            return false;
        text = text || part.number == 1;
    }
    return r == 0 && text;
}

/* From a piece's tag to the tag of its text. */
static enum scan_match match_sentencepiece(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role != SCAN_ROLE_FILE ||
        source_view(object->source, 0, 4, &bytes, &size, NULL) < 0 || size < 4)
        return SCAN_MATCH_NO;
    return bytes[0] == 0x0a && bytes[1] < 0x80 && bytes[2] == 0x0a ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_sentencepiece(struct scan *scan, const struct scan_object *object, bool *ret_recognised,
                              struct error *err)
{
    struct proto model;
    struct proto_field field;
    uint64_t size, pieces = 0;
    int r;

    (void)err;
    if (source_size(object->source, &size, NULL) < 0)
        return 0;
    model = proto_over(object->source, 0, size, NULL);
    while ((r = proto_next(&model, &field)) == 1) {
        if (field.type != PROTO_BYTES || field.number < 1 || field.number > FIELD_MAX || proto_is_cut(&field))
            return 0;
        if (field.number == 1 && pieces++ < PIECES_LOOKED && !is_piece(&model, &field))
            return 0;
    }
    if (r < 0 || pieces == 0)
        return 0;
    *ret_recognised = true;
    scan_looked(scan, size);
    return 0;
}

const struct scan_format scan_format_sentencepiece = {
    .name = "sentencepiece", .match = match_sentencepiece, .scan = scan_sentencepiece};
