/* SPDX-License-Identifier: Apache-2.0 */
/* The sending thread: the model, or a check's windows. */
#include "host/job/stream.h"

#include "base/io.h"
#include "wire/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* One transfer under way: its bytes are hashed as they leave. */
struct transfer {
    struct stream *stream;
    struct sha256 hash;
    struct error *err;
};

static int send_message(struct stream *stream, const struct message *message, struct error *err)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    int r = message_encode(message, &frame);

    if (r == 0)
        r = io_write_full(stream->connection, frame.data, frame.size, stream->deadline_ns);
    if (r < 0)
        return error_set(err, ERROR_GUEST, r, "can't send %s to the guest: %s", message_type_name(message->type),
                         strerror(-r));
    return 0;
}

static int transfer_begin(struct transfer *transfer, const struct message_transfer *announcement)
{
    struct message message = {.type = MESSAGE_TRANSFER, .transfer = *announcement};

    sha256_start(&transfer->hash);
    return send_message(transfer->stream, &message, transfer->err);
}

static int transfer_bytes(struct transfer *transfer, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    sha256_update(&transfer->hash, data, size);
    while (size > 0) {
        size_t count = size < FRAME_CHUNK_MAX ? size : FRAME_CHUNK_MAX;
        struct frame_header header = {.type = MESSAGE_CHUNK, .size = (uint32_t)count};
        int r = frame_write(transfer->stream->connection, transfer->stream->deadline_ns, &header, bytes, transfer->err);

        if (r < 0)
            return r;
        bytes += count;
        size -= count;
        atomic_fetch_add(&transfer->stream->sent, count);
    }
    return 0;
}

static int transfer_end(struct transfer *transfer)
{
    struct message message = {.type = MESSAGE_TRANSFER_END};

    sha256_finish(&transfer->hash, message.transfer_end.sha256);
    return send_message(transfer->stream, &message, transfer->err);
}

/* --- the model ------------------------------------------------------------------------------------ */

/* One whole model file. */
static int send_file(struct stream *stream, int fd, struct message_transfer announcement, struct error *err)
{
    struct transfer transfer = {.stream = stream, .err = err};
    CLEANUP_FREE uint8_t *block = malloc(FRAME_CHUNK_MAX);
    uint64_t offset = 0;
    int r;

    if (block == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory to send the model");
    r = transfer_begin(&transfer, &announcement);
    while (r == 0 && offset < announcement.size) {
        uint64_t left = announcement.size - offset;
        ssize_t count = io_pread_full(fd, block, left < FRAME_CHUNK_MAX ? left : FRAME_CHUNK_MAX, offset);

        if (count <= 0)
            return error_set(err, ERROR_BAD_INPUT, count < 0 ? (int)count : -EIO,
                             "the model's file changed while it was read (at byte %llu)", (unsigned long long)offset);
        r = transfer_bytes(&transfer, block, (size_t)count);
        offset += (uint64_t)count;
    }
    return r < 0 ? r : transfer_end(&transfer);
}

static int send_models(struct stream *stream, struct error *err)
{
    const struct plan *plan = stream->plan;
    int r = send_file(stream, stream->model_fd,
                      (struct message_transfer){.kind = MESSAGE_TRANSFER_MODEL, .size = plan->model_size}, err);

    if (r < 0 || plan->reference_size == 0)
        return r;
    return send_file(stream, stream->reference_fd,
                     (struct message_transfer){.kind = MESSAGE_TRANSFER_REFERENCE, .size = plan->reference_size}, err);
}

/* --- a check's windows -------------------------------------------------------------------------------- */

static int send_labels(struct transfer *transfer, const int32_t *labels, uint32_t count)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit((size_t)PLAN_WINDOW_MAX * sizeof *labels);

    for (uint32_t i = 0; i < count; i++)
        if (buffer_append_u32le(&bytes, (uint32_t)labels[i]) < 0)
            return error_set(transfer->err, ERROR_INTERNAL, -ENOMEM, "no memory to send labels");
    return transfer_bytes(transfer, bytes.data, bytes.size);
}

int stream_blame_reader(struct error *err)
{
    return error_set(err, ERROR_GUEST, -ETIMEDOUT, "the data reader kept silent beyond the deadline");
}

/* Sends the window that starts at `first`; `x` has room for one. Host and wire are little-endian. */
static int send_window(struct stream *stream, enum plan_set_id id, uint64_t first, float *x, struct error *err)
{
    const struct plan_set *set = &stream->plan->sets[id];
    struct transfer transfer = {.stream = stream, .err = err};
    uint32_t count = plan_window_count(set, first);
    size_t size = count * plan_sample_elements(&stream->plan->contract) * sizeof *x;
    struct message_transfer announcement = {
        .kind = MESSAGE_TRANSFER_WINDOW,
        .set = id,
        .first = first,
        .count = count,
        .size = size + (set->labelled ? count * sizeof(uint32_t) : 0),
    };
    const struct inputs *inputs = stream->inputs;
    int r;

    atomic_store(&stream->reading, true);
    r = inputs_window(inputs, stream->plan, id, first, count, x, stream->deadline_ns, err);
    if (r == -ETIMEDOUT)
        return stream_blame_reader(err); /* and still reading: who waits for the guest learns whose fault it was */
    atomic_store(&stream->reading, false);
    if (r == 0)
        r = transfer_begin(&transfer, &announcement);
    if (r == 0)
        r = transfer_bytes(&transfer, x, size);
    if (r == 0 && set->labelled)
        r = send_labels(&transfer, (id == PLAN_SET_TRAIN ? inputs->train_labels : inputs->test_labels) + first, count);
    if (r == 0)
        r = transfer_end(&transfer);
    return r;
}

static int send_set(struct stream *stream, enum plan_set_id id, struct error *err)
{
    const struct plan_set *set = &stream->plan->sets[id];
    CLEANUP_FREE float *x = calloc(set->window, plan_sample_elements(&stream->plan->contract) * sizeof *x);
    int r = 0;

    if (x == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a window of %u samples", set->window);
    for (uint64_t first = 0; r == 0 && first < set->count; first += set->window)
        r = send_window(stream, id, first, x, err);
    return r;
}

static int send_check(struct stream *stream, struct error *err)
{
    struct message message = {.type = MESSAGE_CHECK, .check = {.index = stream->check}};
    enum plan_check_id id = stream->plan->checks[stream->check].id;
    int r = send_message(stream, &message, err);

    for (unsigned set = 0; r == 0 && set < PLAN_SET_COUNT; set++)
        if (plan_check_reads(stream->plan, id, set))
            r = send_set(stream, set, err);
    return r;
}

/* --- the thread ------------------------------------------------------------------------------------------ */

static void *run(void *argument)
{
    struct stream *stream = argument;

    stream->code = stream->model_fd >= 0 ? send_models(stream, &stream->error) : send_check(stream, &stream->error);
    atomic_store(&stream->ended, true);
    return NULL;
}

static uint64_t stream_bytes(const struct stream *stream)
{
    const struct plan *plan = stream->plan;
    uint64_t total = 0;

    if (stream->model_fd >= 0)
        return plan->model_size + plan->reference_size;
    for (unsigned set = 0; set < PLAN_SET_COUNT; set++)
        if (plan_check_reads(plan, plan->checks[stream->check].id, set))
            total += plan->sets[set].count * (plan_sample_elements(&plan->contract) * sizeof(float) +
                                              (plan->sets[set].labelled ? sizeof(uint32_t) : 0));
    return total;
}

int stream_start(struct stream *stream, struct error *err)
{
    int r;

    atomic_store(&stream->sent, 0);
    atomic_store(&stream->ended, false);
    atomic_store(&stream->total, stream_bytes(stream));
    r = pthread_create(&stream->thread, NULL, run, stream);
    if (r != 0)
        return error_set(err, ERROR_INTERNAL, -r, "can't start the sending thread: %s", strerror(r));
    stream->running = true;
    return 0;
}

int stream_finish(struct stream *stream, struct error *err)
{
    if (!stream->running)
        return 0;
    (void)pthread_join(stream->thread, NULL);
    stream->running = false;
    if (stream->code < 0 && err != NULL)
        *err = stream->error;
    return stream->code;
}

void stream_cancel(struct stream *stream)
{
    if (!stream->running)
        return;
    (void)shutdown(stream->connection, SHUT_RDWR);
    (void)!stream_finish(stream, NULL);
}
