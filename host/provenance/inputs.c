/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a user gives to say where a model comes from. */
#include "host/provenance/inputs.h"

#include "base/file.h"
#include "host/attest/text.h"
#include "host/attest/uri.h"
#include "host/provenance/checksums.h"

#include <errno.h>
#include <string.h>

static int check_options(const struct provenance_options *options, struct error *err)
{
    if (options->signature == NULL &&
        (options->trusted_key != NULL || options->trusted_ca != NULL || options->root != NULL))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--trusted-key, --trusted-ca and --model-root go with --signature FILE, which is missing");
    if ((options->trusted_ca != NULL) != (options->identity != NULL))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--trusted-ca and --identity go together: an authority vouches for many, so say whose "
                         "signature you expect");
    if (options->identity != NULL && (*options->identity == '\0' || strlen(options->identity) >= CRYPTO_IDENTITY_SIZE ||
                                      !text_is_printable(options->identity)))
        return error_set(err, ERROR_USAGE, -EINVAL, "--identity: 1 to %u printable bytes expected",
                         CRYPTO_IDENTITY_SIZE - 1);
    return options->source != NULL ? uri_check(options->source, "--source", err) : 0;
}

static int read_file(const char *path, size_t size_max, struct buffer *ret_bytes, struct error *err)
{
    *ret_bytes = buffer_with_limit(size_max);
    return file_read_bounded(path, ret_bytes, err);
}

static int read_trust(const struct provenance_options *options, struct provenance_inputs *inputs, struct error *err)
{
    int r = 0;

    if (options->trusted_key != NULL) {
        r = read_file(options->trusted_key, CRYPTO_PEM_MAX, &inputs->key, err);
        inputs->keys[0] = (struct provenance_key){
            .name = options->trusted_key, .text = (const char *)inputs->key.data, .size = inputs->key.size};
        inputs->trust.key_count = 1;
    }
    if (r == 0 && options->trusted_ca != NULL) {
        r = read_file(options->trusted_ca, CRYPTO_AUTHORITIES_SIZE, &inputs->authorities, err);
        inputs->identities[0] = options->identity;
        inputs->trust.anchors.authorities = inputs->authorities.data;
        inputs->trust.anchors.authorities_size = inputs->authorities.size;
        inputs->trust.anchors.identity_count = 1;
    }
    return r;
}

int provenance_inputs_load(const struct provenance_options *options, int64_t now, struct provenance_inputs *inputs,
                           struct error *err)
{
    int r = check_options(options, err);

    *inputs = (struct provenance_inputs){.trust = {.now = now}};
    inputs->trust.keys = inputs->keys;
    inputs->trust.anchors.identities = inputs->identities;
    if (r == 0)
        r = read_trust(options, inputs, err);
    if (r == 0 && options->signature != NULL) {
        r = provenance_file_load(options->signature, SIGNATURE_FILE_MAX, &inputs->signature, err);
        inputs->has_signature = r == 0;
    }
    if (r == 0 && options->checksums != NULL) {
        r = provenance_file_load(options->checksums, CHECKSUMS_SIZE_MAX, &inputs->checksums, err);
        inputs->has_checksums = r == 0;
    }
    return r;
}

void provenance_inputs_free(struct provenance_inputs *inputs)
{
    if (inputs->has_signature)
        provenance_file_free(&inputs->signature);
    if (inputs->has_checksums)
        provenance_file_free(&inputs->checksums);
    buffer_free(&inputs->key);
    buffer_free(&inputs->authorities);
    inputs->has_signature = inputs->has_checksums = false;
}

char *provenance_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}
