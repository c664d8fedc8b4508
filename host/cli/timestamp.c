/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret timestamp: a timestamp for a result that is there already; asked for online, or carried by hand. */
#include "host/cli/commands.h"

#include "base/file.h"
#include "base/io.h"
#include "host/approve/folder.h"
#include "host/attest/bundle.h"
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
    char folder[PATH_MAX], path[PATH_MAX], name[NAME_MAX + 1]; /* of the bundle */
};

/* --- files ---------------------------------------------------------------------------------------------- */

/* The bundle itself, or the one in an output directory. */
static int find_bundle(struct request *request, struct error *err)
{
    struct stat status;
    bool is_folder = stat(request->operand, &status) == 0 && S_ISDIR(status.st_mode);
    const char *slash = strrchr(request->operand, '/'), *name = slash != NULL ? slash + 1 : request->operand;

    if (strlen(request->operand) + sizeof "/" BUNDLE_NAME > PATH_MAX || (!is_folder && strlen(name) > NAME_MAX))
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the result's path is too long");
    if (is_folder) {
        (void)snprintf(request->folder, PATH_MAX, "%s", request->operand);
        (void)snprintf(request->path, PATH_MAX, "%s/" BUNDLE_NAME, request->operand);
        (void)snprintf(request->name, sizeof request->name, BUNDLE_NAME);
        return 0;
    }
    (void)snprintf(request->path, PATH_MAX, "%s", request->operand);
    (void)snprintf(request->name, sizeof request->name, "%s", name);
    (void)snprintf(request->folder, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - request->operand) + 1 : 1,
                   slash != NULL ? request->operand : ".");
    return 0;
}

/* Sign-offs name the bundle by its digest: adding to it would undo them. */
static int check_unsigned(const struct request *request, struct error *err)
{
    CLEANUP_FREE struct folder_list *list = calloc(1, sizeof *list);
    char release[PATH_MAX + sizeof FOLDER_RELEASE];
    int r;

    if (strcmp(request->name, BUNDLE_NAME) != 0)
        return 0;
    if (list == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a list of sign-offs");
    r = folder_list(request->folder, list, err);
    if (r < 0)
        return r;
    (void)snprintf(release, sizeof release, "%s/" FOLDER_RELEASE, request->folder);
    if (list->count > 0 || access(release, F_OK) == 0)
        return error_set(err, ERROR_USAGE, -EBUSY,
                         "%s: has sign-offs, which name the bundle as it is now; a timestamp comes before them",
                         request->folder);
    return 0;
}

static int read_bundle(const struct request *request, struct bundle *ret_bundle, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    int r = file_read_bounded(request->path, &text, err);

    return r < 0 ? r : bundle_decode(text.data, text.size, request->path, ret_bundle, err);
}

static int write_new(const char *path, const struct buffer *content, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PUBLIC_MODE);
    int r;

    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; name another file", path);
    r = fd < 0 ? -errno : io_write_full(fd, content->data, content->size, IO_NO_DEADLINE);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", path, strerror(-r)) : 0;
}

static int write_request(const struct request *request, const struct bundle *bundle, struct error *err)
{
    CLEANUP_BUFFER struct buffer query = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    int r = crypto_timestamp_request(bundle->signature, bundle->signature_size, &query, err);

    return r < 0 ? r : write_new(request->request_path, &query, err);
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
    CLEANUP_FD int folder = -1;
    int r = find_bundle(request, err);

    if (r == 0) /* to the end: what is read is what is added to */
        r = folder_lock(request->folder, &folder, err);
    if (r == 0)
        r = read_bundle(request, &bundle, err);
    if (r == 0)
        r = check_unsigned(request, err);
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
        r = folder_write(folder, request->name, text.data, text.size, err);
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
