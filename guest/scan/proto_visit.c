/* SPDX-License-Identifier: Apache-2.0 */
/* Visits of protobuf messages by a schema. */
#include "guest/scan/proto_visit.h"

#include "guest/scan/code_text.h"
#include "guest/scan/embedded.h"

#include <errno.h>
#include <string.h>

#define PROTO_HEAD_MAX 10u /* bytes of a tag */

struct frame {
    struct proto proto;
    uint8_t message;
    const struct proto_row *row; /* that led here */
    struct proto_field field;
};

struct visit_state {
    struct frame frames[PROTO_VISIT_DEPTH_MAX];
    uint32_t depth;
    uint16_t first[PROTO_VISIT_MESSAGE_MAX + 1]; /* of each kind's rows; row_count for none */
};

static void index_rows(const struct proto_visitor *visitor, struct visit_state *state)
{
    for (size_t i = 0; i <= PROTO_VISIT_MESSAGE_MAX; i++)
        state->first[i] = (uint16_t)visitor->row_count;
    for (size_t i = visitor->row_count; i > 0; i--)
        state->first[visitor->rows[i - 1].message] = (uint16_t)(i - 1);
}

static const struct proto_row *find_row(const struct proto_visitor *visitor, const struct visit_state *state,
                                        uint8_t message, const struct proto_field *field)
{
    for (size_t i = state->first[message]; i < visitor->row_count && visitor->rows[i].message == message; i++)
        if (visitor->rows[i].number == field->number && visitor->rows[i].type == field->type)
            return &visitor->rows[i];
    return NULL;
}

/* Only the first is told: what follows a malformed field is the same one, seen from the messages around it. */
static void note_damage(struct proto_visit *visit, int code, uint64_t offset, const struct error *cause)
{
    uint64_t size = 0;

    if (visit->damaged)
        return;
    visit->damaged = true;
    if (code == -EBADMSG && (cause == NULL || cause->text[0] == '\0')) {
        if (source_size(visit->object->source, &size, NULL) < 0)
            size = offset;
        scan_skipped(visit->scan, visit->object, SCAN_GAP_DAMAGED, offset, size > offset ? size - offset : 0, "%s",
                     "a message ends or goes on where it should not");
    } else {
        scan_skipped_for(visit->scan, visit->object, code, offset, cause);
    }
}

static int push(struct proto_visit *visit, struct visit_state *state, const struct proto_row *row,
                const struct proto_field *field, struct error *err)
{
    const struct proto *around = &state->frames[state->depth - 1].proto;

    if (state->depth == PROTO_VISIT_DEPTH_MAX) {
        scan_skipped(visit->scan, visit->object, SCAN_GAP_DEPTH, field->offset, field->size,
                     "more than %u messages within each other", PROTO_VISIT_DEPTH_MAX);
        visit->passed += field->size;
        return 0;
    }
    state->frames[state->depth++] =
        (struct frame){.proto = proto_within(around, field), .message = row->child, .row = row, .field = *field};
    return visit->visitor->enter != NULL ? visit->visitor->enter(visit, row, field, err) : 0;
}

static int check_length(struct proto_visit *visit, const struct proto_field *field, struct error *err)
{
    if (field->claimed <= PROTO_LENGTH_MAX)
        return 0;
    return scan_find(visit->scan, visit->object, visit->visitor->length_rule, field->offset, err,
                     "field %u says to be of %llu bytes", field->number, (unsigned long long)field->claimed);
}

static int take_field(struct proto_visit *visit, struct visit_state *state, const struct proto_field *field,
                      struct error *err)
{
    const struct proto_row *row = find_row(visit->visitor, state, state->frames[state->depth - 1].message, field);
    int r = 0;

    if (proto_is_cut(field))
        r = check_length(visit, field, err);
    if (r < 0 || row == NULL)
        return r;
    if (row->child != 0)
        return push(visit, state, row, field, err);
    return visit->visitor->value != NULL ? visit->visitor->value(visit, row, field, err) : 0;
}

static int visit_all(struct proto_visit *visit, struct visit_state *state, struct error *cause, struct error *err)
{
    int r = 0;

    while (state->depth > 0 && r == 0) {
        struct frame *frame = &state->frames[state->depth - 1];
        struct proto_field field;
        uint64_t offset = frame->proto.offset;
        int got = proto_next(&frame->proto, &field);

        if (got > 0) {
            r = take_field(visit, state, &field, err);
            continue;
        }
        if (got < 0)
            note_damage(visit, got, offset < frame->proto.end ? offset : frame->proto.end, cause);
        state->depth--;
        if (visit->visitor->leave != NULL)
            r = visit->visitor->leave(visit, frame->row, &frame->field, err);
    }
    return r;
}

int proto_visit(struct proto_visit *visit, uint64_t offset, uint64_t size, uint8_t root, struct error *err)
{
    CLEANUP_FREE struct visit_state *state = NULL;
    CLEANUP_FREE struct error *cause = NULL;
    uint64_t memory = sizeof *state + sizeof *cause;
    int r = scan_reserve(visit->scan, memory, NULL);

    if (r < 0) {
        scan_skipped_for(visit->scan, visit->object, r, offset, NULL);
        return 0;
    }
    state = calloc(1, sizeof *state);
    cause = calloc(1, sizeof *cause);
    if (state == NULL || cause == NULL) {
        scan_release(visit->scan, memory);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    }
    index_rows(visit->visitor, state);
    state->frames[0] = (struct frame){.proto = proto_over(visit->object->source, offset, size, cause), .message = root};
    size = state->frames[0].proto.end - offset;
    state->frames[0].field = (struct proto_field){.offset = offset, .start = offset, .size = size, .claimed = size};
    state->depth = 1;
    r = visit->visitor->enter != NULL ? visit->visitor->enter(visit, NULL, &state->frames[0].field, err) : 0;
    if (r == 0)
        r = visit_all(visit, state, cause, err);
    scan_looked(visit->scan, size > visit->passed ? size - visit->passed : 0);
    scan_release(visit->scan, memory);
    return r;
}

size_t proto_visit_copy(struct proto_visit *visit, const struct proto_field *field, void *ret_bytes, size_t room)
{
    size_t size = field->size < room ? (size_t)field->size : room;
    struct error cause = {0};
    int r = source_copy(visit->object->source, field->start, ret_bytes, size, &cause);

    if (r == 0)
        return size;
    note_damage(visit, r, field->start, &cause);
    return 0;
}

int proto_visit_object(struct proto_visit *visit, const struct proto_field *field, const char *name, struct error *err)
{
    CLEANUP_SOURCE struct source *source = source_of_range(visit->object->source, field->start, field->size);
    const struct scan_object object = {
        .source = source, .name = name, .role = SCAN_ROLE_GUESS, .parent = visit->object};

    if (source == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    return scan_object(visit->scan, &object, err);
}

int proto_visit_string(struct proto_visit *visit, const struct proto_field *field, const char *name, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = NULL;
    size_t size = (size_t)field->size;
    int r;

    if (field->size < EMBEDDED_SIZE_MIN)
        return 0;
    if (field->size > SCAN_VIEW_MAX) /* long ones are looked at where they are */
        return proto_visit_object(visit, field, name, err);
    r = scan_reserve(visit->scan, size, NULL);
    if (r < 0) {
        scan_skipped_for(visit->scan, visit->object, r, field->start, NULL);
        return 0;
    }
    bytes = malloc(size);
    if (bytes == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    else if (proto_visit_copy(visit, field, bytes, size) == size)
        r = scan_embedded(visit->scan, visit->object, name, bytes, size, field->start, err);
    scan_release(visit->scan, size);
    return r;
}

int proto_visit_text(struct proto_visit *visit, const struct proto_field *field, const char *name,
                     const struct scan_rule *executes, const struct scan_rule *suspicious, struct error *err)
{
    enum code_text judged;
    struct error cause = {0};
    const char *what = "";
    uint64_t offset = field->start;
    const struct scan_rule *rule;
    int r = code_text_judge_source(visit->object->source, field->start, field->size, &judged, &offset, &what, &cause);

    if (r < 0) {
        note_damage(visit, r, field->start, &cause);
        return 0;
    }
    rule = judged == CODE_TEXT_EXECUTES ? executes : judged == CODE_TEXT_SUSPICIOUS ? suspicious : NULL;
    if (rule == NULL)
        return 0;
    return scan_find(visit->scan, visit->object, rule, offset, err, "%s: %s", name, what);
}

void proto_visit_pass(struct proto_visit *visit, const struct proto_field *field, enum scan_skip reason)
{
    scan_skipped(visit->scan, visit->object, reason, field->start, field->size, "%s", "");
    visit->passed += field->size;
}

bool proto_begins_with(struct source *source, const uint64_t *tags, size_t count)
{
    struct proto head = {.source = source, .end = PROTO_HEAD_MAX};
    uint64_t tag;

    if (proto_next_varint(&head, &tag) <= 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (tags[i] == tag)
            return true;
    return false;
}
