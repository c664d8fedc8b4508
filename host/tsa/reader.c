/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of timestamps: a process that has nothing but what it is asked about. */
#include "base/cursor.h"
#include "host/confine/confine.h"
#include "host/tsa/internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)

static int confine(int socket, struct error *err)
{
    const struct confine_profile profile = {
        .name = "lazaret-stamps",
        .uid = CONFINE_UID_TIMESTAMPS,
        .keep_fds = &socket,
        .keep_fd_count = 1,
        .address_space_max = ADDRESS_SPACE_MAX,
        .open_files_max = 16,
    };

    return confine_self(&profile, err);
}

static int open_reader(void *argument, int socket, struct buffer *ret_greeting, struct error *err)
{
    struct tsa_reader_state *state = argument;
    int r = state->ca_path != NULL ? crypto_timestamp_anchors_load(state->ca_path, &state->anchors, err) : 0;

    (void)ret_greeting;
    /* What libraries would fetch from files later: time zones, and OpenSSL's configuration. */
    tzset();
    if (r == 0)
        r = crypto_timestamp_prepare(err);
    return r < 0 ? r : confine(socket, err);
}

static int judge(const struct tsa_reader_state *state, const uint8_t *data, const uint32_t sizes[3],
                 struct crypto_timestamp *ret_timestamp, struct error *err)
{
    const uint8_t *request = data + sizes[0], *response = request + sizes[1];
    int r = crypto_timestamp_verify_by(state->anchors, response, sizes[2], data, sizes[0], ret_timestamp, err);

    return r < 0 || sizes[1] == 0 ? r : crypto_timestamp_answers(request, sizes[1], response, sizes[2], err);
}

static int answer(void *argument, const void *request, size_t size, struct buffer *ret_reply, struct error *err)
{
    struct cursor cursor = cursor_over(request, size);
    struct crypto_timestamp timestamp;
    uint32_t sizes[3] = {0};
    uint64_t sum = 0;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < 3; i++) {
        r = cursor_read_u32le(&cursor, &sizes[i]);
        sum += sizes[i];
    }
    if (r < 0 || sum != size - sizeof sizes)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "the reader of timestamps is asked what it does not know");
    r = judge(argument, (const uint8_t *)request + sizeof sizes, sizes, &timestamp, err);
    if (r < 0)
        return r;
    r = buffer_append_u64le(ret_reply, (uint64_t)timestamp.time);
    if (r == 0)
        r = buffer_append(ret_reply, timestamp.authority, strlen(timestamp.authority));
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for a timestamp") : 0;
}

const struct helper_service tsa_reader_service = {
    .name = "the reader of timestamps",
    .request_max = TSA_READER_REQUEST_MAX,
    .reply_max = sizeof(uint64_t) + CRYPTO_TIMESTAMP_AUTHORITY_SIZE,
    .open = open_reader,
    .answer = answer,
};
