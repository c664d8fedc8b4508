/* SPDX-License-Identifier: Apache-2.0 */
/* The messages' codecs: PROTOCOL.md, section 5, row by row. */
#include "wire/message.h"

#include "wire/codec.h"
#include "wire/message_scan.h"

#include <errno.h>
#include <string.h>

const char *message_type_name(enum message_type type)
{
    switch (type) {
    case MESSAGE_HELLO:
        return "HELLO";
    case MESSAGE_PLAN:
        return "PLAN";
    case MESSAGE_TRANSFER:
        return "TRANSFER";
    case MESSAGE_CHUNK:
        return "CHUNK";
    case MESSAGE_TRANSFER_END:
        return "TRANSFER_END";
    case MESSAGE_CHECK:
        return "CHECK";
    case MESSAGE_BYE:
        return "BYE";
    case MESSAGE_GUEST_HELLO:
        return "GUEST_HELLO";
    case MESSAGE_READY:
        return "READY";
    case MESSAGE_PREDICTIONS:
        return "PREDICTIONS";
    case MESSAGE_SAMPLE:
        return "SAMPLE";
    case MESSAGE_CLUSTER:
        return "CLUSTER";
    case MESSAGE_PROGRESS:
        return "PROGRESS";
    case MESSAGE_CHECK_DONE:
        return "CHECK_DONE";
    case MESSAGE_FAILURE:
        return "FAILURE";
    case MESSAGE_GOODBYE:
        return "GOODBYE";
    case MESSAGE_ROW:
        return "ROW";
    case MESSAGE_POINTS:
        return "POINTS";
    case MESSAGE_IMPORT:
        return "IMPORT";
    case MESSAGE_SCAN:
        return "SCAN";
    case MESSAGE_UNREADABLE:
        return "UNREADABLE";
    case MESSAGE_READ:
        return "READ";
    case MESSAGE_FINDING:
        return "FINDING";
    case MESSAGE_COVERAGE:
        return "COVERAGE";
    case MESSAGE_SCAN_DONE:
        return "SCAN_DONE";
    }
    return "unknown";
}

const char *message_failure_name(enum message_failure_code code)
{
    static const char *const names[MESSAGE_FAILURE_CODE_COUNT] = {
        [MESSAGE_FAILURE_BAD_MODEL] = "bad-model",
        [MESSAGE_FAILURE_UNSUPPORTED_MODEL] = "unsupported-model",
        [MESSAGE_FAILURE_SHAPE] = "shape-mismatch",
        [MESSAGE_FAILURE_MEMORY] = "out-of-memory",
        [MESSAGE_FAILURE_WORKER_CRASHED] = "worker-crashed",
        [MESSAGE_FAILURE_FORBIDDEN_CALL] = "forbidden-call",
        [MESSAGE_FAILURE_PROTOCOL] = "protocol",
        [MESSAGE_FAILURE_INTERNAL] = "internal",
    };

    return code < MESSAGE_FAILURE_CODE_COUNT ? names[code] : "unknown";
}

/* --- decoding: one function a message, members in the table's order ------------------------------
 */

static void decode_hello(struct codec_reader *r, struct message *m)
{
    m->hello.version = codec_get_u32(r, UINT32_MAX);
    codec_get_digest(r, m->hello.nonce);
}

static void decode_transfer(struct codec_reader *r, struct message *m)
{
    m->transfer.kind = codec_get_u32(r, MESSAGE_TRANSFER_KIND_COUNT - 1);
    m->transfer.size = codec_get_u64(r, UINT64_MAX);
    m->transfer.set = codec_get_u32(r, PLAN_SET_COUNT - 1);
    m->transfer.first = codec_get_u64(r, PLAN_SET_COUNT_MAX);
    m->transfer.count = codec_get_u32(r, PLAN_WINDOW_MAX);
}

static void decode_transfer_end(struct codec_reader *r, struct message *m)
{
    codec_get_digest(r, m->transfer_end.sha256);
}

static void decode_check(struct codec_reader *r, struct message *m)
{
    m->check.index = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
}

static void decode_nothing(struct codec_reader *r, struct message *m)
{
    (void)r;
    (void)m;
}

static void decode_guest_hello(struct codec_reader *r, struct message *m)
{
    m->guest_hello.version = codec_get_u32(r, UINT32_MAX);
    codec_get_digest(r, m->guest_hello.nonce);
    m->guest_hello.agent = codec_get_text(r, PLAN_NAME_MAX);
    m->guest_hello.cpu = codec_get_text(r, PLAN_NAME_MAX);
    m->guest_hello.processors = codec_get_u32(r, UINT16_MAX);
    m->guest_hello.memory_bytes = codec_get_u64(r, UINT64_MAX);
}

static void decode_ready(struct codec_reader *r, struct message *m)
{
    m->ready.classes = codec_get_u32(r, MESSAGE_CLASSES_MAX);
    m->ready.memory_bytes = codec_get_u64(r, UINT64_MAX);
    m->ready.isa = codec_get_text(r, PLAN_NAME_MAX);
    m->ready.layer = codec_get_text(r, PLAN_NAME_MAX);
    if (m->ready.classes == 0)
        codec_refuse(r, "no classes");
}

static void decode_predictions(struct codec_reader *r, struct message *m)
{
    m->predictions.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->predictions.curve = codec_get_u32(r, PLAN_CURVES_MAX - 1);
    m->predictions.point = codec_get_u32(r, PLAN_POINTS_MAX - 1);
    m->predictions.first = codec_get_u64(r, PLAN_SET_COUNT_MAX);
    m->predictions.count = codec_get_u32(r, PLAN_WINDOW_MAX);
    m->predictions.classes = codec_get_blob(r, MESSAGE_BLOB_MAX);
    if (m->predictions.count == 0 || m->predictions.classes.size != (uint64_t)m->predictions.count * 4)
        codec_refuse(r, "a blob that is not four bytes a sample");
}

static void decode_sample(struct codec_reader *r, struct message *m)
{
    m->sample.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->sample.curve = codec_get_u32(r, PLAN_CURVES_MAX - 1);
    m->sample.point = codec_get_u32(r, PLAN_POINTS_MAX - 1);
    m->sample.sample = codec_get_u32(r, PLAN_SAMPLES_MAX - 1);
    m->sample.offset = codec_get_u64(r, PLAN_SAMPLE_MAX);
    m->sample.elements = codec_get_blob(r, MESSAGE_BLOB_MAX);
    if (m->sample.elements.size == 0 || m->sample.elements.size % 4 != 0)
        codec_refuse(r, "a blob that is not whole floats");
}

static void decode_pair(struct codec_reader *r, uint64_t ret_pair[2])
{
    struct codec_reader array = codec_get_array(r, 2);

    ret_pair[0] = codec_get_u64(&array, PLAN_SET_COUNT_MAX);
    ret_pair[1] = codec_get_u64(&array, PLAN_SET_COUNT_MAX);
    codec_end_array(r, &array);
}

static void decode_indices(struct codec_reader *r, uint64_t *ret_indices, uint32_t *ret_count)
{
    struct codec_reader array = codec_get_array(r, MESSAGE_INDICES_MAX);

    for (uint32_t i = 0; i < array.count; i++)
        ret_indices[i] = codec_get_u64(&array, PLAN_SET_COUNT_MAX);
    *ret_count = array.count;
    codec_end_array(r, &array);
}

static void decode_cluster(struct codec_reader *r, struct message *m)
{
    m->cluster.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->cluster.label = codec_get_u32(r, MESSAGE_CLASSES_MAX - 1);
    m->cluster.outcome = codec_get_u32(r, MESSAGE_CLUSTER_OUTCOME_COUNT - 1);
    decode_pair(r, m->cluster.sizes);
    decode_pair(r, m->cluster.test_sizes);
    m->cluster.silhouette = codec_get_finite(r);
    m->cluster.separation = codec_get_finite(r);
    decode_indices(r, m->cluster.indices[0], &m->cluster.index_count[0]);
    decode_indices(r, m->cluster.indices[1], &m->cluster.index_count[1]);
    if (m->cluster.silhouette < -1 || m->cluster.silhouette > 1 || m->cluster.separation < 0)
        codec_refuse(r, "a silhouette or separation that can't be");
}

static void decode_points(struct codec_reader *r, struct message *m)
{
    m->points.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->points.label = codec_get_u32(r, MESSAGE_CLASSES_MAX - 1);
    m->points.set = codec_get_u32(r, PLAN_SET_COUNT - 1);
    m->points.points = codec_get_blob(r, POINTS_MAX * POINTS_SIZE);
    if (!points_are_whole(m->points.points.data, m->points.points.size))
        codec_refuse(r, "points that are none");
}

static void decode_row(struct codec_reader *r, struct message *m)
{
    struct codec_reader array;

    m->row.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->row.table = codec_get_u32(r, UINT8_MAX);
    m->row.name = codec_get_text(r, PLAN_NAME_MAX);
    array = codec_get_array(r, ROW_NATURALS_MAX);
    m->row.natural_count = array.count;
    for (uint32_t i = 0; i < array.count; i++)
        m->row.naturals[i] = codec_get_u64(&array, ROW_NATURAL_MAX);
    codec_end_array(r, &array);
    array = codec_get_array(r, ROW_REALS_MAX);
    m->row.real_count = array.count;
    for (uint32_t i = 0; i < array.count; i++)
        m->row.reals[i] = codec_get_finite(&array);
    codec_end_array(r, &array);
}

static void decode_progress(struct codec_reader *r, struct message *m)
{
    m->progress.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->progress.done = codec_get_u64(r, UINT64_MAX);
    m->progress.total = codec_get_u64(r, UINT64_MAX);
}

static void decode_check_done(struct codec_reader *r, struct message *m)
{
    m->check_done.check = codec_get_u32(r, PLAN_CHECKS_MAX - 1);
    m->check_done.cpu_ns = codec_get_u64(r, UINT64_MAX);
    m->check_done.images = codec_get_u64(r, UINT64_MAX);
    m->check_done.gradient_cpu_ns = codec_get_u64(r, UINT64_MAX);
    m->check_done.gradient_images = codec_get_u64(r, UINT64_MAX);
    m->check_done.peak_memory_bytes = codec_get_u64(r, UINT64_MAX);
    m->check_done.layer = codec_get_text(r, PLAN_NAME_MAX);
    m->check_done.skipped = codec_get_text(r, MESSAGE_TEXT_MAX);
}

static void decode_failure(struct codec_reader *r, struct message *m)
{
    m->failure.code = codec_get_u32(r, MESSAGE_FAILURE_CODE_COUNT - 1);
    m->failure.check = codec_get_u32(r, UINT32_MAX);
    m->failure.signal = codec_get_i32(r);
    m->failure.system_call = codec_get_i32(r);
    m->failure.address = codec_get_u64(r, UINT64_MAX);
    m->failure.text = codec_get_text(r, MESSAGE_TEXT_MAX);
}

/* --- encoding: the same order --------------------------------------------------------------------
 */

static void encode_hello(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->hello.version);
    codec_put_digest(w, m->hello.nonce);
}

static void encode_transfer(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->transfer.kind);
    codec_put_u64(w, m->transfer.size);
    codec_put_u64(w, m->transfer.set);
    codec_put_u64(w, m->transfer.first);
    codec_put_u64(w, m->transfer.count);
}

static void encode_transfer_end(struct codec_writer *w, const struct message *m)
{
    codec_put_digest(w, m->transfer_end.sha256);
}

static void encode_check(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->check.index);
}

static void encode_nothing(struct codec_writer *w, const struct message *m)
{
    (void)w;
    (void)m;
}

static void encode_guest_hello(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->guest_hello.version);
    codec_put_digest(w, m->guest_hello.nonce);
    codec_put_text(w, m->guest_hello.agent, PLAN_NAME_MAX);
    codec_put_text(w, m->guest_hello.cpu, PLAN_NAME_MAX);
    codec_put_u64(w, m->guest_hello.processors);
    codec_put_u64(w, m->guest_hello.memory_bytes);
}

static void encode_ready(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->ready.classes);
    codec_put_u64(w, m->ready.memory_bytes);
    codec_put_text(w, m->ready.isa, PLAN_NAME_MAX);
    codec_put_text(w, m->ready.layer, PLAN_NAME_MAX);
}

static void encode_predictions(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->predictions.check);
    codec_put_u64(w, m->predictions.curve);
    codec_put_u64(w, m->predictions.point);
    codec_put_u64(w, m->predictions.first);
    codec_put_u64(w, m->predictions.count);
    codec_put_blob(w, m->predictions.classes);
}

static void encode_sample(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->sample.check);
    codec_put_u64(w, m->sample.curve);
    codec_put_u64(w, m->sample.point);
    codec_put_u64(w, m->sample.sample);
    codec_put_u64(w, m->sample.offset);
    codec_put_blob(w, m->sample.elements);
}

static void encode_array(struct codec_writer *w, const uint64_t *values, uint32_t count)
{
    codec_put_array(w, count);
    for (uint32_t i = 0; i < count; i++)
        codec_put_u64(w, values[i]);
}

static void encode_cluster(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->cluster.check);
    codec_put_u64(w, m->cluster.label);
    codec_put_u64(w, m->cluster.outcome);
    encode_array(w, m->cluster.sizes, 2);
    encode_array(w, m->cluster.test_sizes, 2);
    codec_put_finite(w, m->cluster.silhouette);
    codec_put_finite(w, m->cluster.separation);
    encode_array(w, m->cluster.indices[0], m->cluster.index_count[0]);
    encode_array(w, m->cluster.indices[1], m->cluster.index_count[1]);
}

static void encode_points(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->points.check);
    codec_put_u64(w, m->points.label);
    codec_put_u64(w, m->points.set);
    codec_put_blob(w, m->points.points);
}

static void encode_row(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->row.check);
    codec_put_u64(w, m->row.table);
    codec_put_text(w, m->row.name, PLAN_NAME_MAX);
    encode_array(w, m->row.naturals, m->row.natural_count);
    codec_put_array(w, m->row.real_count);
    for (uint32_t i = 0; i < m->row.real_count; i++)
        codec_put_finite(w, m->row.reals[i]);
}

static void encode_progress(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->progress.check);
    codec_put_u64(w, m->progress.done);
    codec_put_u64(w, m->progress.total);
}

static void encode_check_done(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->check_done.check);
    codec_put_u64(w, m->check_done.cpu_ns);
    codec_put_u64(w, m->check_done.images);
    codec_put_u64(w, m->check_done.gradient_cpu_ns);
    codec_put_u64(w, m->check_done.gradient_images);
    codec_put_u64(w, m->check_done.peak_memory_bytes);
    codec_put_text(w, m->check_done.layer, PLAN_NAME_MAX);
    codec_put_text(w, m->check_done.skipped, MESSAGE_TEXT_MAX);
}

static void encode_failure(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->failure.code);
    codec_put_u64(w, m->failure.check);
    codec_put_i32(w, m->failure.signal);
    codec_put_i32(w, m->failure.system_call);
    codec_put_u64(w, m->failure.address);
    codec_put_text(w, m->failure.text, MESSAGE_TEXT_MAX);
}

/* --- the table
 * ------------------------------------------------------------------------------------ */

struct codec {
    enum message_type type;
    uint32_t members;
    void (*decode)(struct codec_reader *reader, struct message *message);
    void (*encode)(struct codec_writer *writer, const struct message *message);
};

static const struct codec codecs[] = {
    {MESSAGE_HELLO, 2, decode_hello, encode_hello},
    {MESSAGE_TRANSFER, 5, decode_transfer, encode_transfer},
    {MESSAGE_TRANSFER_END, 1, decode_transfer_end, encode_transfer_end},
    {MESSAGE_CHECK, 1, decode_check, encode_check},
    {MESSAGE_BYE, 0, decode_nothing, encode_nothing},
    {MESSAGE_GUEST_HELLO, 6, decode_guest_hello, encode_guest_hello},
    {MESSAGE_READY, 4, decode_ready, encode_ready},
    {MESSAGE_PREDICTIONS, 6, decode_predictions, encode_predictions},
    {MESSAGE_SAMPLE, 6, decode_sample, encode_sample},
    {MESSAGE_CLUSTER, 9, decode_cluster, encode_cluster},
    {MESSAGE_PROGRESS, 3, decode_progress, encode_progress},
    {MESSAGE_CHECK_DONE, 8, decode_check_done, encode_check_done},
    {MESSAGE_FAILURE, 6, decode_failure, encode_failure},
    {MESSAGE_GOODBYE, 0, decode_nothing, encode_nothing},
    {MESSAGE_ROW, 5, decode_row, encode_row},
    {MESSAGE_POINTS, 4, decode_points, encode_points},
    {MESSAGE_IMPORT, 0, decode_nothing, encode_nothing},
    {MESSAGE_SCAN, 3, message_scan_decode, message_scan_encode},
    {MESSAGE_UNREADABLE, 0, decode_nothing, encode_nothing},
    {MESSAGE_READ, 2, message_read_decode, message_read_encode},
    {MESSAGE_FINDING, 7, message_finding_decode, message_finding_encode},
    {MESSAGE_COVERAGE, 6, message_coverage_decode, message_coverage_encode},
    {MESSAGE_SCAN_DONE, 4, message_scan_done_decode, message_scan_done_encode},
};

static const struct codec *find_codec(unsigned type)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (codecs[i].type == type)
            return &codecs[i];
    return NULL;
}

static int decode_chunk(const struct frame_header *header, const uint8_t *payload, struct message *ret_message,
                        struct error *err)
{
    if (header->size == 0 || header->size > FRAME_CHUNK_MAX)
        return error_set(err, ERROR_GUEST, -EBADMSG, "message CHUNK has %u bytes, not 1 to %u", header->size,
                         FRAME_CHUNK_MAX);
    *ret_message = (struct message){.type = MESSAGE_CHUNK, .chunk = {.data = payload, .size = header->size}};
    return 0;
}

int message_decode(const struct frame_header *header, const uint8_t *payload, struct message *ret_message,
                   struct error *err)
{
    const struct codec *codec = find_codec(header->type);
    struct message message = {0};
    struct codec_reader reader;
    msgpack_unpacked unpacked;
    int r;

    if (header->type == MESSAGE_CHUNK)
        return decode_chunk(header, payload, ret_message, err);
    if (codec == NULL)
        return error_set(err, ERROR_GUEST, -EBADMSG, "a frame of the unknown type 0x%02x", header->type);
    r = codec_read(payload, header->size, message_type_name(codec->type), &unpacked, &reader, err);
    if (r < 0)
        return r;
    message.type = codec->type;
    codec->decode(&reader, &message);
    r = codec_finish(&reader);
    msgpack_unpacked_destroy(&unpacked); /* texts and blobs point into the payload, not into this */
    if (r == 0)
        *ret_message = message;
    return r;
}

int message_encode(const struct message *message, struct buffer *buffer)
{
    const struct codec *codec = find_codec(message->type);
    struct codec_writer writer;

    if (codec == NULL)
        return -EINVAL;
    codec_write(&writer, buffer, message->type, codec->members);
    codec->encode(&writer, message);
    return codec_write_end(&writer);
}
