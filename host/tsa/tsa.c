/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of the helpers for timestamps. */
#include "host/tsa/tsa.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/tsa/internal.h"

#include <errno.h>
#include <string.h>

/* Beyond the client's own limit, so that its reason arrives. */
#define FETCH_DEADLINE_MS (TSA_FETCH_MS + 10000)
#define CHECK_DEADLINE_MS UINT64_C(10000)

struct tsa {
    struct helper *client, *reader; /* client: NULL without a URL */
};

int tsa_start(const char *url, const char *ca_path, struct tsa **ret_tsa, struct error *err)
{
    CLEANUP_BUFFER struct buffer nothing = buffer_with_limit(0);
    CLEANUP_TSA struct tsa *tsa = calloc(1, sizeof *tsa);
    struct tsa_reader_state reader = {.ca_path = ca_path};
    struct tsa_client_state client = {.url = url};
    int r;

    if (tsa == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for timestamps");
    r = helper_start(&tsa_reader_service, &reader, &tsa->reader, &nothing, err);
    if (r == 0 && url != NULL)
        r = helper_start(&tsa_client_service, &client, &tsa->client, &nothing, err);
    if (r == 0)
        *ret_tsa = TAKE_POINTER(tsa);
    return r;
}

static int read_timestamp(const struct buffer *reply, struct crypto_timestamp *ret_timestamp, struct error *err)
{
    struct cursor cursor = cursor_over(reply->data, reply->size);
    struct crypto_timestamp timestamp = {0};
    uint64_t when = 0;
    size_t size = reply->size - sizeof when;

    if (reply->size < sizeof when || size >= sizeof timestamp.authority || cursor_read_u64le(&cursor, &when) < 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "the reader of timestamps answers what it can't");
    timestamp.time = (int64_t)when;
    memcpy(timestamp.authority, reply->data + sizeof when, size);
    *ret_timestamp = timestamp;
    return 0;
}

static int ask_reader(struct tsa *tsa, const void *signature, size_t signature_size, const struct buffer *request,
                      const void *response, size_t size, struct crypto_timestamp *ret_timestamp, struct error *err)
{
    CLEANUP_BUFFER struct buffer message = buffer_with_limit(TSA_READER_REQUEST_MAX);
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(tsa_reader_service.reply_max);
    int r = signature_size <= UINT32_MAX && size <= UINT32_MAX ? 0 : -EMSGSIZE;

    if (r == 0)
        r = buffer_append_u32le(&message, (uint32_t)signature_size);
    if (r == 0)
        r = buffer_append_u32le(&message, (uint32_t)request->size);
    if (r == 0)
        r = buffer_append_u32le(&message, (uint32_t)size);
    if (r == 0)
        r = buffer_append(&message, signature, signature_size);
    if (r == 0)
        r = buffer_append(&message, request->data, request->size);
    if (r == 0)
        r = buffer_append(&message, response, size);
    if (r < 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "no timestamp response of at most %zu bytes",
                         CRYPTO_TIMESTAMP_RESPONSE_MAX);
    r = helper_call(tsa->reader, message.data, message.size, &reply, io_deadline_ms(CHECK_DEADLINE_MS), err);
    return r < 0 ? r : read_timestamp(&reply, ret_timestamp, err);
}

int tsa_check(struct tsa *tsa, const void *signature, size_t signature_size, const void *response, size_t size,
              struct crypto_timestamp *ret_timestamp, struct error *err)
{
    const struct buffer no_request = {0};

    return ask_reader(tsa, signature, signature_size, &no_request, response, size, ret_timestamp, err);
}

int tsa_stamp(struct tsa *tsa, const void *signature, size_t signature_size, struct buffer *ret_response,
              struct crypto_timestamp *ret_timestamp, struct error *err)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    CLEANUP_BUFFER struct buffer response = buffer_with_limit(CRYPTO_TIMESTAMP_RESPONSE_MAX);
    int r = crypto_timestamp_request(signature, signature_size, &request, err);

    if (r == 0)
        r = helper_call(tsa->client, request.data, request.size, &response, io_deadline_ms(FETCH_DEADLINE_MS), err);
    if (r == 0)
        r = ask_reader(tsa, signature, signature_size, &request, response.data, response.size, ret_timestamp, err);
    if (r < 0)
        return r;
    if (buffer_append(ret_response, response.data, response.size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a timestamp");
    return 0;
}

void tsa_free(struct tsa *tsa)
{
    if (tsa == NULL)
        return;
    helper_free(tsa->client);
    helper_free(tsa->reader);
    free(tsa);
}
