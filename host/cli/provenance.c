/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret provenance */
#include "base/file.h"
#include "host/cli/commands.h"
#include "host/cli/provenance_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct subject {
    struct provenance_model model;
    int fd;
    char *folder; /* owned; NULL: --model-root, or the operand itself */
};

static void drop_subject(struct subject *subject)
{
    if (subject->fd >= 0)
        (void)close(subject->fd);
    free(subject->folder);
}

/* A file, hashed, with its folder; or a folder that is the model as a whole. */
static int open_subject(const char *path, const char *root, struct subject *subject, struct error *err)
{
    struct stat status;
    int r;

    subject->model.name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    subject->model.root = root != NULL ? root : path;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return root == NULL ? 0 : error_set(err, ERROR_USAGE, -EINVAL, "--model-root: %s is a folder itself", path);
    r = file_open_regular(path, &subject->fd, &status, err);
    if (r == 0)
        r = sha256_of_fd(subject->fd, subject->model.sha256, &subject->model.size);
    if (r < 0)
        return err->kind != ERROR_NONE ? r : error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r));
    subject->model.fd = subject->fd;
    if (root != NULL)
        return 0;
    subject->folder = provenance_folder_of(path);
    subject->model.root = subject->folder;
    return subject->folder != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory");
}

static void print_digest(const char *label, const uint8_t sha256[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE];

    sha256_to_hex(sha256, hex);
    (void)printf("%-12s %s\n", label, hex);
}

static void print_verdict(const struct provenance_verdict *verdict, const char *identity)
{
    (void)printf("signature    holds: made with a %s%s, over %u file%s\n", signature_method_names[verdict->method],
                 verdict->legacy ? " in the form of model_signing 0.2" : "", verdict->files,
                 verdict->files == 1 ? "" : "s");
    print_digest("model", verdict->model_sha256);
    print_digest("key", verdict->key_sha256);
    if (verdict->method == SIGNATURE_BY_CERTIFICATE) {
        (void)printf("identity     %s\n", identity);
        print_digest("certificate", verdict->certificate_sha256);
        print_digest("authority", verdict->authority_sha256);
    }
}

static int verify(const char *path, const struct provenance_options *options, struct error *err)
{
    CLEANUP(drop_subject) struct subject subject = {.fd = -1, .model = {.fd = -1}};
    CLEANUP_PROVENANCE_INPUTS struct provenance_inputs inputs = {0};
    struct provenance_verdict verdict;
    int r = provenance_inputs_load(options, time(NULL), &inputs, err);

    if (r == 0)
        r = open_subject(path, options->root, &subject, err);
    if (r < 0)
        return r;
    if (!inputs.has_signature && !inputs.has_checksums)
        return error_set(err, ERROR_USAGE, -EINVAL, "give --signature FILE, --checksums FILE, or both");
    if (inputs.has_signature && inputs.trust.key_count == 0 && inputs.trust.anchors.authorities_size == 0)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--signature needs --trusted-key PUB.pem, or --trusted-ca CA.pem and --identity WHO");
    if (inputs.has_checksums && subject.fd < 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "--checksums is about one file, and %s is a folder", path);
    if (inputs.has_signature) {
        r = provenance_verify(&inputs.signature, &inputs.trust, &subject.model, &verdict, err);
        if (r < 0)
            return r;
        print_verdict(&verdict, options->identity);
    }
    if (inputs.has_checksums) {
        r = provenance_check_sums(&inputs.checksums, subject.model.name, subject.model.sha256, err);
        if (r < 0)
            return r;
        (void)printf("checksums    %s is listed with the SHA-256 that it has\n", subject.model.name);
    }
    return 0;
}

int cli_provenance(int argc, char **argv)
{
    struct provenance_options options = {0};
    const struct cli_option table[] = {CLI_PROVENANCE_OPTIONS(options)};
    const struct cli_command command = {
        .usage = "lazaret provenance MODEL|FOLDER --signature FILE (--trusted-key PUB.pem | --trusted-ca CA.pem "
                 "--identity WHO)",
        .purpose =
            "Verifies a model's own signature (OpenSSF model-signing 1.0), or its line in a list of checksums, or\n"
            "both, without evaluating it. The model is hashed and never parsed.\n"
            "Exit status: 0 all that was given holds; 4 it does not.",
        .options = table,
        .option_count = sizeof table / sizeof table[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0)
        r = verify(operands[0], &options, &error);
    return r < 0 ? cli_fail(&error) : 0;
}
