/* SPDX-License-Identifier: Apache-2.0 */
/* Records between collector and monitor: flat, fixed, checked again on arrival. */
#include "host/collect/record.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/collect/record_scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

int record_write(int fd, const struct record *record, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(RECORD_HEADER_SIZE + (size_t)2 * FRAME_PAYLOAD_MAX);
    int r = buffer_append_u32le(&bytes, record->type);

    for (unsigned i = 0; r == 0 && i < RECORD_TEXTS; i++)
        r = buffer_append_u32le(&bytes, record->texts[i].size);
    if (r == 0)
        r = buffer_append_u32le(&bytes, record->blob.size);
    for (unsigned i = 0; r == 0 && i < RECORD_NUMBERS; i++)
        r = buffer_append_u64le(&bytes, record->numbers[i]);
    for (unsigned i = 0; r == 0 && i < RECORD_TEXTS; i++)
        r = buffer_append(&bytes, record->texts[i].data, record->texts[i].size);
    if (r == 0)
        r = buffer_append(&bytes, record->blob.data, record->blob.size);
    if (r == 0)
        r = io_write_full(fd, bytes.data, bytes.size, deadline_ns);
    return r;
}

static int parse_header(const uint8_t *bytes, struct record *ret_record)
{
    struct cursor cursor = cursor_over(bytes, RECORD_HEADER_SIZE);
    int r = cursor_read_u32le(&cursor, &ret_record->type);

    for (unsigned i = 0; r == 0 && i < RECORD_TEXTS; i++)
        r = cursor_read_u32le(&cursor, &ret_record->texts[i].size);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &ret_record->blob.size);
    for (unsigned i = 0; r == 0 && i < RECORD_NUMBERS; i++)
        r = cursor_read_u64le(&cursor, &ret_record->numbers[i]);
    for (unsigned i = 0; i < RECORD_TEXTS; i++)
        if (r == 0 && ret_record->texts[i].size > MESSAGE_TEXT_MAX)
            r = -EBADMSG;
    if (r == 0 && ret_record->blob.size > FRAME_PAYLOAD_MAX)
        r = -EBADMSG;
    return r;
}

/* The codec has let nothing else through; but the one who says so has read hostile bytes. */
static bool is_printable(struct message_text text)
{
    for (uint32_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

int record_read(int fd, struct buffer *storage, struct record *ret_record, uint64_t deadline_ns)
{
    uint8_t header[RECORD_HEADER_SIZE], *room;
    struct record record = {0};
    size_t size = 0;
    int r = io_read_full(fd, header, sizeof header, deadline_ns);

    if (r == 0)
        r = parse_header(header, &record);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < RECORD_TEXTS; i++)
        size += record.texts[i].size;
    size += record.blob.size;
    storage->size = 0;
    r = buffer_reserve(storage, size > 0 ? size : 1, &room);
    if (r == 0)
        r = io_read_full(fd, room, size, deadline_ns);
    if (r < 0)
        return r;
    storage->size = size;
    for (unsigned i = 0; i < RECORD_TEXTS; i++) {
        record.texts[i].data = (const char *)room;
        room += record.texts[i].size;
        if (!is_printable(record.texts[i]))
            return -EBADMSG;
    }
    record.blob.data = room;
    *ret_record = record;
    return 0;
}

/* --- messages ---------------------------------------------------------------------------------- */

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static int cluster_to_record(const struct message_cluster *c, struct buffer *storage, struct record *record)
{
    const uint64_t numbers[] = {c->check,
                                c->label,
                                c->outcome,
                                c->sizes[0],
                                c->sizes[1],
                                c->test_sizes[0],
                                c->test_sizes[1],
                                bits_of(c->silhouette),
                                bits_of(c->separation),
                                c->index_count[0],
                                c->index_count[1]};

    memcpy(record->numbers, numbers, sizeof numbers);
    storage->size = 0;
    for (unsigned i = 0; i < 2; i++)
        for (uint32_t j = 0; j < c->index_count[i]; j++) {
            int r = buffer_append_u64le(storage, c->indices[i][j]);

            if (r < 0)
                return r;
        }
    record->blob = (struct message_blob){.data = storage->data, .size = (uint32_t)storage->size};
    return 0;
}

static int record_to_cluster(const struct record *record, struct message_cluster *c)
{
    const uint64_t *n = record->numbers;
    struct cursor cursor = cursor_over(record->blob.data, record->blob.size);

    *c = (struct message_cluster){.check = (uint32_t)n[0],
                                  .label = (uint32_t)n[1],
                                  .outcome = (enum message_cluster_outcome)n[2],
                                  .sizes = {n[3], n[4]},
                                  .test_sizes = {n[5], n[6]},
                                  .silhouette = double_of(n[7]),
                                  .separation = double_of(n[8])};
    if (n[2] >= MESSAGE_CLUSTER_OUTCOME_COUNT || n[9] > MESSAGE_INDICES_MAX || n[10] > MESSAGE_INDICES_MAX ||
        !isfinite(c->silhouette) || !isfinite(c->separation))
        return -EBADMSG;
    for (unsigned i = 0; i < 2; i++) {
        c->index_count[i] = (uint32_t)n[9 + i];
        for (uint32_t j = 0; j < c->index_count[i]; j++)
            if (cursor_read_u64le(&cursor, &c->indices[i][j]) < 0)
                return -EBADMSG;
    }
    return cursor_left(&cursor) == 0 ? 0 : -EBADMSG;
}

/* Naturals, then the bits of reals, as the blob. */
static int row_to_record(const struct message_row *row, struct buffer *storage, struct record *record)
{
    const uint64_t numbers[] = {row->check, row->table, row->natural_count, row->real_count};
    int r = 0;

    memcpy(record->numbers, numbers, sizeof numbers);
    storage->size = 0;
    for (uint32_t i = 0; r == 0 && i < row->natural_count; i++)
        r = buffer_append_u64le(storage, row->naturals[i]);
    for (uint32_t i = 0; r == 0 && i < row->real_count; i++)
        r = buffer_append_u64le(storage, bits_of(row->reals[i]));
    record->texts[0] = row->name;
    record->blob = (struct message_blob){.data = storage->data, .size = (uint32_t)storage->size};
    return r;
}

static int record_to_row(const struct record *record, struct message_row *row)
{
    const uint64_t *n = record->numbers;
    struct cursor cursor = cursor_over(record->blob.data, record->blob.size);
    uint64_t bits;

    if (n[2] > ROW_NATURALS_MAX || n[3] > ROW_REALS_MAX || record->texts[0].size > PLAN_NAME_MAX)
        return -EBADMSG;
    *row = (struct message_row){.check = (uint32_t)n[0],
                                .table = (uint32_t)n[1],
                                .name = record->texts[0],
                                .natural_count = (uint32_t)n[2],
                                .real_count = (uint32_t)n[3]};
    for (uint32_t i = 0; i < row->natural_count; i++)
        if (cursor_read_u64le(&cursor, &row->naturals[i]) < 0 || row->naturals[i] > ROW_NATURAL_MAX)
            return -EBADMSG;
    for (uint32_t i = 0; i < row->real_count; i++) {
        if (cursor_read_u64le(&cursor, &bits) < 0)
            return -EBADMSG;
        row->reals[i] = double_of(bits);
        if (!isfinite(row->reals[i]))
            return -EBADMSG;
    }
    return cursor_left(&cursor) == 0 ? 0 : -EBADMSG;
}

static void set_numbers(struct record *record, const uint64_t *numbers, size_t count)
{
    memcpy(record->numbers, numbers, count * sizeof *numbers);
}

#define SET_NUMBERS(record, ...)                                                                                       \
    set_numbers(record, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

int record_from_message(const struct message *m, struct buffer *storage, struct record *ret_record)
{
    struct record r = {.type = m->type};

    switch (m->type) {
    case MESSAGE_GUEST_HELLO:
        SET_NUMBERS(&r, m->guest_hello.version, m->guest_hello.processors, m->guest_hello.memory_bytes);
        r.texts[0] = m->guest_hello.agent;
        r.texts[1] = m->guest_hello.cpu;
        break;
    case MESSAGE_READY:
        SET_NUMBERS(&r, m->ready.classes, m->ready.memory_bytes);
        r.texts[0] = m->ready.isa;
        r.texts[1] = m->ready.layer;
        break;
    case MESSAGE_PREDICTIONS:
        SET_NUMBERS(&r, m->predictions.check, m->predictions.curve, m->predictions.point, m->predictions.first,
                    m->predictions.count);
        r.blob = m->predictions.classes;
        break;
    case MESSAGE_SAMPLE:
        SET_NUMBERS(&r, m->sample.check, m->sample.curve, m->sample.point, m->sample.sample, m->sample.offset);
        r.blob = m->sample.elements;
        break;
    case MESSAGE_CLUSTER:
        if (cluster_to_record(&m->cluster, storage, &r) < 0)
            return -ENOMEM;
        break;
    case MESSAGE_POINTS:
        SET_NUMBERS(&r, m->points.check, m->points.label, m->points.set);
        r.blob = m->points.points;
        break;
    case MESSAGE_ROW:
        if (row_to_record(&m->row, storage, &r) < 0)
            return -ENOMEM;
        break;
    case MESSAGE_READ:
    case MESSAGE_FINDING:
    case MESSAGE_COVERAGE:
    case MESSAGE_SCAN_DONE:
        if (record_from_scan(m, storage, &r) < 0)
            return -ENOMEM;
        break;
    case MESSAGE_PROGRESS:
        SET_NUMBERS(&r, m->progress.check, m->progress.done, m->progress.total);
        break;
    case MESSAGE_CHECK_DONE:
        SET_NUMBERS(&r, m->check_done.check, m->check_done.cpu_ns, m->check_done.images, m->check_done.gradient_cpu_ns,
                    m->check_done.gradient_images, m->check_done.peak_memory_bytes);
        r.texts[0] = m->check_done.layer;
        r.texts[1] = m->check_done.skipped;
        break;
    case MESSAGE_FAILURE:
        SET_NUMBERS(&r, m->failure.code, m->failure.check, (uint64_t)(int64_t)m->failure.signal,
                    (uint64_t)(int64_t)m->failure.system_call, m->failure.address);
        r.texts[0] = m->failure.text;
        break;
    case MESSAGE_GOODBYE:
        break;
    default:
        return -EBADMSG;
    }
    *ret_record = r;
    return 0;
}

int record_to_message(const struct record *r, struct message *ret_message)
{
    struct message m = {.type = (enum message_type)r->type};
    const uint64_t *n = r->numbers;

    switch (r->type) {
    case MESSAGE_GUEST_HELLO:
        m.guest_hello = (struct message_guest_hello){.version = (uint32_t)n[0],
                                                     .processors = (uint32_t)n[1],
                                                     .memory_bytes = n[2],
                                                     .agent = r->texts[0],
                                                     .cpu = r->texts[1]};
        break;
    case MESSAGE_READY:
        if (n[0] == 0 || n[0] > MESSAGE_CLASSES_MAX)
            return -EBADMSG;
        m.ready = (struct message_ready){
            .classes = (uint32_t)n[0], .memory_bytes = n[1], .isa = r->texts[0], .layer = r->texts[1]};
        break;
    case MESSAGE_PREDICTIONS:
        if (n[4] > PLAN_WINDOW_MAX || r->blob.size != n[4] * sizeof(int32_t))
            return -EBADMSG;
        m.predictions = (struct message_predictions){.check = (uint32_t)n[0],
                                                     .curve = (uint32_t)n[1],
                                                     .point = (uint32_t)n[2],
                                                     .first = n[3],
                                                     .count = (uint32_t)n[4],
                                                     .classes = r->blob};
        break;
    case MESSAGE_SAMPLE:
        m.sample = (struct message_sample){.check = (uint32_t)n[0],
                                           .curve = (uint32_t)n[1],
                                           .point = (uint32_t)n[2],
                                           .sample = (uint32_t)n[3],
                                           .offset = n[4],
                                           .elements = r->blob};
        break;
    case MESSAGE_CLUSTER:
        if (record_to_cluster(r, &m.cluster) < 0)
            return -EBADMSG;
        break;
    case MESSAGE_POINTS:
        if (n[1] >= MESSAGE_CLASSES_MAX || n[2] >= PLAN_SET_COUNT || r->blob.size > POINTS_MAX * POINTS_SIZE ||
            !points_are_whole(r->blob.data, r->blob.size))
            return -EBADMSG;
        m.points = (struct message_points){
            .check = (uint32_t)n[0], .label = (uint32_t)n[1], .set = (enum plan_set_id)n[2], .points = r->blob};
        break;
    case MESSAGE_ROW:
        if (record_to_row(r, &m.row) < 0)
            return -EBADMSG;
        break;
    case MESSAGE_READ:
    case MESSAGE_FINDING:
    case MESSAGE_COVERAGE:
    case MESSAGE_SCAN_DONE:
        if (record_to_scan(r, &m) < 0)
            return -EBADMSG;
        break;
    case MESSAGE_PROGRESS:
        m.progress = (struct message_progress){.check = (uint32_t)n[0], .done = n[1], .total = n[2]};
        break;
    case MESSAGE_CHECK_DONE:
        m.check_done = (struct message_check_done){.check = (uint32_t)n[0],
                                                   .cpu_ns = n[1],
                                                   .images = n[2],
                                                   .gradient_cpu_ns = n[3],
                                                   .gradient_images = n[4],
                                                   .peak_memory_bytes = n[5],
                                                   .layer = r->texts[0],
                                                   .skipped = r->texts[1]};
        break;
    case MESSAGE_FAILURE:
        if (n[0] >= MESSAGE_FAILURE_CODE_COUNT)
            return -EBADMSG;
        m.failure = (struct message_failure){.code = (enum message_failure_code)n[0],
                                             .check = (uint32_t)n[1],
                                             .signal = (int32_t)(int64_t)n[2],
                                             .system_call = (int32_t)(int64_t)n[3],
                                             .address = n[4],
                                             .text = r->texts[0]};
        break;
    case MESSAGE_GOODBYE:
        break;
    default:
        return -EBADMSG;
    }
    *ret_message = m;
    return 0;
}
