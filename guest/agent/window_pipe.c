/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's input pipe. */
#include "guest/agent/window_pipe.h"

#include <errno.h>
#include <string.h>

int window_put_header(struct buffer *buffer, const struct message_transfer *transfer)
{
    const struct window_header header = {.set = transfer->set, .count = transfer->count, .first = transfer->first};

    return buffer_append(buffer, &header, sizeof header);
}

int window_put_commit(struct buffer *buffer)
{
    return buffer_append_u8(buffer, WINDOW_COMMIT);
}

/* Samples of the largest window of the sets that a check reads. */
static uint64_t largest_window(const struct plan *plan, enum plan_check_id check)
{
    uint64_t largest = 0;

    for (unsigned set = 0; set < PLAN_SET_COUNT; set++) {
        const struct plan_set *s = &plan->sets[set];
        uint64_t window = s->count < s->window ? s->count : s->window;

        if (plan_check_reads(plan, check, set) && window > largest)
            largest = window;
    }
    return largest;
}

uint64_t window_room(const struct plan *plan, enum plan_check_id check)
{
    /* At most 2^16 samples of 2^26 elements: no overflow. */
    return largest_window(plan, check) * (plan_sample_elements(&plan->contract) * sizeof(float) + sizeof(uint32_t));
}

int window_reader_open(struct window_reader *reader, int fd, const struct plan *plan, enum plan_check_id check,
                       struct error *err)
{
    uint64_t count = largest_window(plan, check);

    *reader = (struct window_reader){.fd = fd, .plan = plan};
    reader->x = malloc(count * plan_sample_elements(&plan->contract) * sizeof *reader->x);
    reader->labels = malloc(count * sizeof *reader->labels);
    if (reader->x == NULL || reader->labels == NULL) {
        window_reader_close(reader);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a window: %llu MiB for %llu inputs",
                         (unsigned long long)(window_room(plan, check) >> 20) + 1, (unsigned long long)count);
    }
    return 0;
}

void window_reader_close(struct window_reader *reader)
{
    free(TAKE_POINTER(reader->x));
    free(TAKE_POINTER(reader->labels));
}

int window_pipe_read(int fd, void *ret_data, size_t size)
{
    uint8_t *data = ret_data;

    for (size_t done = 0; done < size;) {
        /* SYSTEM-CALL worker read: windows and the served file's blocks come by the input pipe */
        ssize_t count = read(fd, data + done, size - done);

        if (count == 0)
            return -ECONNRESET;
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            done += (size_t)count;
    }
    return 0;
}

static int read_all(int fd, void *ret_data, size_t size, struct error *err)
{
    int r = window_pipe_read(fd, ret_data, size);

    if (r == -ECONNRESET)
        return error_set(err, ERROR_INTERNAL, r, "the windows ended early");
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "can't read a window: %s", strerror(-r));
    return 0;
}

int window_read(struct window_reader *reader, enum plan_set_id set, uint64_t first, struct check_window *ret_window,
                struct error *err)
{
    uint32_t count = plan_window_count(&reader->plan->sets[set], first);
    bool labelled = reader->plan->sets[set].labelled;
    struct window_header header;
    uint8_t commit = 0;
    int r = read_all(reader->fd, &header, sizeof header, err);

    if (r < 0)
        return r;
    if (header.set != set || header.first != first || header.count != count)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "another window than the plan's next");
    r = read_all(reader->fd, reader->x, count * plan_sample_elements(&reader->plan->contract) * sizeof *reader->x, err);
    if (r == 0 && labelled)
        r = read_all(reader->fd, reader->labels, count * sizeof *reader->labels, err);
    if (r == 0)
        r = read_all(reader->fd, &commit, sizeof commit, err);
    if (r < 0)
        return r;
    if (commit != WINDOW_COMMIT)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "a window without its end");
    *ret_window = (struct check_window){
        .set = set, .first = first, .count = count, .x = reader->x, .labels = labelled ? reader->labels : NULL};
    return 0;
}
