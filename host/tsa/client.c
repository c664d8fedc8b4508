/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of timestamp authorities: a process that has the network, and no key.
 *
 * libcurl does the talking (proxies, TLS, redirections), and is loaded here, where a URL was given, and nowhere else:
 * it would cost every start of lazaret some milliseconds. What comes back is passed on unread.
 */
#include "host/confine/client.h"
#include "base/library.h"
#include "host/tsa/internal.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define LIBRARY       "libcurl.so.4"
#define CONNECT_MS    10000L
#define REDIRECTS_MAX 3L
#define URL_MAX       2048u

/* What is used of libcurl, by the names that its header declares. */
struct tsa_client {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *curl);
    CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *curl);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

static int check_url(const char *url, struct error *err)
{
    if (strlen(url) > URL_MAX || (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0))
        return error_set(err, ERROR_USAGE, -EINVAL, "--tsa takes the http:// or https:// URL of a timestamp authority");
    return 0;
}

static int load_library(struct tsa_client *client, struct error *err)
{
    static const struct library library = {
        .file = LIBRARY,
        .prefix = "curl_",
        .whole = true,
        .remedy = "--tsa needs it: install libcurl4, or use `lazaret timestamp --request` and --response"};
#define ENTRY(name)                                                                                                    \
    {                                                                                                                  \
#name, offsetof(struct tsa_client, name)                                                                       \
    }
    static const struct library_function functions[] = {
        ENTRY(global_init),  ENTRY(easy_init),     ENTRY(easy_setopt),  ENTRY(easy_perform),  ENTRY(easy_getinfo),
        ENTRY(easy_cleanup), ENTRY(easy_strerror), ENTRY(slist_append), ENTRY(slist_free_all)};
#undef ENTRY
    int r = library_load(&library, functions, sizeof functions / sizeof functions[0], client, err);

    if (r == 0 && client->global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, LIBRARY " can't be started");
    return r;
}

static int open_client(void *argument, int socket, struct buffer *ret_greeting, struct error *err)
{
    struct tsa_client_state *state = argument;
    int r = check_url(state->url, err);

    (void)ret_greeting;
    state->client = calloc(1, sizeof *state->client);
    if (state->client == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for timestamps");
    if (r == 0)
        r = load_library(state->client, err);
    return r < 0 ? r : confine_client("lazaret-tsa", CONFINE_UID_CLIENT, socket, err);
}

/* libcurl's callback: taking less than what is offered ends the transfer. */
static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    return buffer_append(argument, data, size * count) == 0 ? size * count : 0;
}

static CURLcode prepare(const struct tsa_client_state *state, CURL *curl, struct curl_slist *headers,
                        const void *request, size_t size, struct buffer *reply)
{
    CURLcode (*set)(CURL * curl, CURLoption option, ...) = state->client->easy_setopt;
    bool secure = strncasecmp(state->url, "https:", 6) == 0;
    CURLcode code = set(curl, CURLOPT_URL, state->url);

#define SET(option, value)                                                                                             \
    if (code == CURLE_OK)                                                                                              \
    code = set(curl, option, value)
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https"); /* never back to what anyone can read */
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    SET(CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, request);
    SET(CURLOPT_POSTFIELDSIZE, (long)size);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "lazaret/" LAZARET_VERSION);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)TSA_FETCH_MS);
    SET(CURLOPT_MAXFILESIZE, (long)CRYPTO_TIMESTAMP_RESPONSE_MAX);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, reply);
#undef SET
    return code;
}

static int perform(const struct tsa_client_state *state, CURL *curl, struct curl_slist *headers, const void *request,
                   size_t size, struct buffer *ret_reply, struct error *err)
{
    CURLcode code = prepare(state, curl, headers, request, size, ret_reply);
    long status = 0;

    if (code == CURLE_OK)
        code = state->client->easy_perform(curl);
    if (code == CURLE_OK)
        code = state->client->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
        return error_set(err, ERROR_UNAVAILABLE, -EMSGSIZE, "%s: answers more than %zu bytes, which is no timestamp",
                         state->url, CRYPTO_TIMESTAMP_RESPONSE_MAX);
    if (code != CURLE_OK)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "%s: %s", state->url, state->client->easy_strerror(code));
    if (status != 200)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "%s: answers with HTTP status %ld", state->url, status);
    return 0;
}

static int answer(void *argument, const void *request, size_t size, struct buffer *ret_reply, struct error *err)
{
    const struct tsa_client_state *state = argument;
    const struct tsa_client *library = state->client;
    static const char *const lines[] = {"Content-Type: application/timestamp-query",
                                        "Accept: application/timestamp-reply", "Expect:"};
    struct curl_slist *headers = NULL;
    CURL *curl = library->easy_init();
    int r;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *longer = library->slist_append(headers, lines[i]);

        headers = longer != NULL ? longer : headers;
    }
    if (curl == NULL || headers == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to ask for a timestamp");
    else
        r = perform(state, curl, headers, request, size, ret_reply, err);
    library->slist_free_all(headers);
    library->easy_cleanup(curl);
    return r;
}

const struct helper_service tsa_client_service = {
    .name = "the client of timestamps",
    .request_max = CRYPTO_TIMESTAMP_REQUEST_MAX,
    .reply_max = CRYPTO_TIMESTAMP_RESPONSE_MAX,
    .open = open_client,
    .answer = answer,
};
