/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret timestamp: a timestamp for a result that is there already; asked for online, or carried by hand. */
#include "host/cli/commands.h"

#include "base/file.h"
#include "base/io.h"
#include "host/attest/bundle.h"
#include "host/attest/text.h"
#include "host/cli/options.h"
#include "host/cli/timestamp.h"
#include "host/tsa/tsa.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUNDLE_NAME "result.sigstore.json"
#define PUBLIC_MODE (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

struct request {
    const char *operand, *url, *ca_path, *request_path, *response_path;
    char folder[PATH_MAX], path[PATH_MAX]; /* of the bundle */
};

/* --- files ---------------------------------------------------------------------------------------------- */

/* The bundle itself, or the one in an output directory. */
static int find_bundle(struct request *request, struct error *err)
{
    struct stat status;
    const char *slash = strrchr(request->operand, '/');
    bool is_folder = stat(request->operand, &status) == 0 && S_ISDIR(status.st_mode);

    if (strlen(request->operand) + sizeof "/" BUNDLE_NAME > PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the result's path is too long");
    if (is_folder) {
        (void)snprintf(request->folder, PATH_MAX, "%s", request->operand);
        (void)snprintf(request->path, PATH_MAX, "%s/" BUNDLE_NAME, request->operand);
        return 0;
    }
    (void)snprintf(request->path, PATH_MAX, "%s", request->operand);
    (void)snprintf(request->folder, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - request->operand) + 1 : 1,
                   slash != NULL ? request->operand : ".");
    return 0;
}

static int read_bundle(const struct request *request, struct bundle *ret_bundle, mode_t *ret_mode, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct stat status;
    int r = file_read_bounded(request->path, &text, err);

    if (r < 0)
        return r;
    *ret_mode = stat(request->path, &status) == 0 ? status.st_mode & 07777 : PUBLIC_MODE;
    return bundle_decode(text.data, text.size, request->path, ret_bundle, err);
}

static int fail_write(const char *path, int r, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", path, strerror(-r));
}

static int write_and_sync(int fd, const struct buffer *text, mode_t mode)
{
    int r = fchmod(fd, mode) < 0 ? -errno : io_write_full(fd, text->data, text->size, IO_NO_DEADLINE);

    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

/* Whole or not at all: a new file beside it takes its name. */
static int replace_bundle(const struct request *request, const struct buffer *text, mode_t mode, struct error *err)
{
    CLEANUP_FD int folder = open(request->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char hidden[PATH_MAX];
    CLEANUP_FD int fd = -1;
    int r;

    if (folder < 0)
        return fail_write(request->folder, -errno, err);
    if (snprintf(hidden, sizeof hidden, "%s/.timestamp-XXXXXX", request->folder) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the result's path is too long");
    fd = mkostemp(hidden, O_CLOEXEC);
    if (fd < 0)
        return fail_write(hidden, -errno, err);
    r = write_and_sync(fd, text, mode);
    if (r == 0 && rename(hidden, request->path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(hidden);
        return fail_write(request->path, r, err);
    }
    return fsync(folder) < 0 ? fail_write(request->folder, -errno, err) : 0;
}

static int write_request(const struct request *request, const struct bundle *bundle, struct error *err)
{
    CLEANUP_BUFFER struct buffer query = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    CLEANUP_FD int fd = -1;
    int r = crypto_timestamp_request(bundle->signature, bundle->signature_size, &query, err);

    if (r < 0)
        return r;
    fd = open(request->request_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PUBLIC_MODE);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; name another file", request->request_path);
    if (fd < 0)
        return fail_write(request->request_path, -errno, err);
    r = write_and_sync(fd, &query, PUBLIC_MODE);
    return r < 0 ? fail_write(request->request_path, r, err) : 0;
}

/* --- adding ------------------------------------------------------------------------------------------------ */

static int add(struct bundle *bundle, const struct buffer *response, struct error *err)
{
    for (size_t i = 0; i < bundle->timestamp_count; i++)
        if (bundle->timestamps[i].size == response->size &&
            memcmp(bundle->timestamps[i].data, response->data, response->size) == 0)
            return error_set(err, ERROR_USAGE, -EEXIST, "the result has this timestamp already");
    if (bundle->timestamp_count == BUNDLE_TIMESTAMPS_MAX)
        return error_set(err, ERROR_USAGE, -ENOSPC, "the result has %u timestamps already, and no place for more",
                         BUNDLE_TIMESTAMPS_MAX);
    bundle->timestamps[bundle->timestamp_count] = buffer_with_limit(BUNDLE_TIMESTAMP_MAX);
    if (buffer_append(&bundle->timestamps[bundle->timestamp_count++], response->data, response->size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a timestamp");
    return 0;
}

/* The answer, from the authority or from a file, judged by the reader. */
static int obtain(const struct request *request, struct tsa *tsa, const struct bundle *bundle,
                  struct buffer *ret_response, struct crypto_timestamp *ret_timestamp, struct error *err)
{
    int r;

    if (request->url != NULL)
        return tsa_stamp(tsa, bundle->signature, bundle->signature_size, ret_response, ret_timestamp, err);
    r = file_read_bounded(request->response_path, ret_response, err);
    if (r < 0)
        return r;
    r = tsa_check(tsa, bundle->signature, bundle->signature_size, ret_response->data, ret_response->size, ret_timestamp,
                  err);
    return r < 0 ? error_prefix(err, "%s", request->response_path) : 0;
}

void timestamp_print(FILE *file, const struct crypto_timestamp *timestamp, bool proven)
{
    char when[32] = "?";
    time_t seconds = (time_t)timestamp->time;
    struct tm broken_down;

    if (gmtime_r(&seconds, &broken_down) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &broken_down);
    (void)fprintf(file, "stamped: %s by %s%s\n", when, timestamp->authority,
                  proven ? "" : " (its certificate was not judged; give --tsa-ca)");
}

static int run(struct request *request, struct error *err)
{
    CLEANUP_BUFFER struct buffer response = buffer_with_limit(CRYPTO_TIMESTAMP_RESPONSE_MAX);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_TSA struct tsa *tsa = NULL;
    struct crypto_timestamp timestamp;
    mode_t mode = PUBLIC_MODE;
    int r = find_bundle(request, err);

    if (r == 0)
        r = read_bundle(request, &bundle, &mode, err);
    if (r == 0 && request->request_path != NULL)
        return write_request(request, &bundle, err);
    if (r == 0)
        r = tsa_start(request->url, request->ca_path, &tsa, err);
    if (r == 0)
        r = obtain(request, tsa, &bundle, &response, &timestamp, err);
    if (r == 0)
        r = add(&bundle, &response, err);
    if (r == 0 && bundle_encode(&bundle, &text) < 0)
        r = error_set(err, ERROR_INTERNAL, -EIO, "the bundle can't be written");
    if (r == 0)
        r = replace_bundle(request, &text, mode, err);
    if (r == 0)
        timestamp_print(stdout, &timestamp, request->ca_path != NULL);
    return r;
}

int cli_timestamp(int argc, char **argv)
{
    struct request request = {0};
    const struct cli_option options[] = {
        CLI_OPTION_TSA(&request.url),
        CLI_OPTION_TSA_CA(&request.ca_path),
        CLI_OPTION_TEXT("request", "FILE", "write a request (TimeStampReq) to FILE, to be carried to an authority",
                        &request.request_path),
        CLI_OPTION_TEXT("response", "FILE", "add the authority's answer (TimeStampResp) in FILE, once it is checked",
                        &request.response_path),
    };
    const struct cli_command command = {
        .usage = "lazaret timestamp DIR|BUNDLE --tsa URL | --request FILE | --response FILE [--tsa-ca CA.pem]",
        .purpose = "Adds an RFC 3161 timestamp of the result's signature to the result. No signed byte changes.\n"
                   "Exit status: 0 done, 4 the answer does not hold, 69 no authority answers.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    struct error err = {0};
    enum cli_parse parse;
    unsigned count;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (request.url != NULL) + (request.request_path != NULL) + (request.response_path != NULL) != 1)
        r = error_set(&err, ERROR_USAGE, -EINVAL, "one of --tsa, --request and --response expected; usage: %s",
                      command.usage);
    if (r == 0) {
        request.operand = operands[0];
        r = run(&request, &err);
    }
    return r < 0 ? cli_fail(&err) : 0;
}
