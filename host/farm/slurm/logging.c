/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results in the ledger, by the controller: nodes hold no ledger's key. Theory of operation: the ledger's size is noted
 * in the farm's database, then the result's leaf is appended unless it is among those since then, then the entry goes
 * into the result's bundle, then the job ends. Killed anywhere between, whoever goes on finds the leaf by its hash,
 * under the ledger's lock: it is there once. The appender is evaluate's (host/ledger/appender.h), and started again
 * where it died.
 */
#include "host/farm/slurm/internal.h"

#include "base/file.h"
#include "base/io.h"
#include "host/crypto/key.h"
#include "host/farm/folder.h"
#include "host/ledger/appender.h"
#include "host/ledger/bundle_entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define APPEND_MS    120000u /* longer than the ledger's other writers are waited for */
#define APPEND_TRIES 3u      /* with an appender of its own each */
#define BUNDLE_NAME  "result.sigstore.json"
#define ASIDE_NAME   "slurm.bundle" /* of the farm's folder: a bundle on its way */

struct controller_log {
    struct appender *appender;
    struct ledger *ledger; /* to read */
};

/* --- its beginning ----------------------------------------------------------------------------------------------- */

/* A farm's results are in one ledger, or none is known to be in any. */
static int check_origin(struct controller *c, struct error *err)
{
    const char *origin = c->log != NULL ? appender_key(c->log->appender)->name : NULL;
    char known[JOURNAL_ORIGIN_SIZE];
    int r = journal_read_origin(c->database, known, err);

    if (r == 1 && (origin == NULL || strcmp(origin, known) != 0))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "this farm's results are logged in the ledger %s: give that one with --ledger, or begin "
                         "another farm",
                         known);
    if (r != 0 || origin == NULL)
        return r < 0 ? r : 0;
    return journal_set_origin(c->database, origin, err);
}

static int start(struct controller *c, struct error *err)
{
    return appender_start_for_farm(c->options->ledger, c->options->ledger_key, &c->log->appender, err);
}

int controller_log_open(struct controller *c, struct error *err)
{
    int r = 0;

    if (c->options->ledger != NULL) {
        c->log = calloc(1, sizeof *c->log);
        r = c->log == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the ledger") : start(c, err);
        if (r == 0)
            r = ledger_open(c->options->ledger, NULL, 0, &c->log->ledger, err);
    }
    return r < 0 ? r : check_origin(c, err);
}

void controller_log_close(struct controller *c)
{
    if (c->log == NULL)
        return;
    appender_free(c->log->appender);
    ledger_free(c->log->ledger);
    free(TAKE_POINTER(c->log));
}

/* --- a leaf ------------------------------------------------------------------------------------------------------ */

/* From which leaf on it may be, if it is there: the size before the first try. */
static int note_size(struct controller *c, const char *nonce, uint64_t *ret_since, struct error *err)
{
    struct checkpoint checkpoint;
    int r = ledger_read_checkpoint(c->log->ledger, &checkpoint, NULL, err);

    return r < 0 ? r : journal_note_logging(c->database, nonce, checkpoint.size, ret_since, err);
}

/* Once, however often: an appender that died may have appended it, or not. */
static int append(struct controller *c, const struct buffer *leaf, uint64_t since, struct ledger_receipt *ret_receipt,
                  struct error *err)
{
    int r = -EPIPE;

    for (unsigned i = 0; i < APPEND_TRIES; i++) {
        *err = (struct error){0};
        r = c->log->appender == NULL ? start(c, err) : 0;
        if (r == 0)
            r = appender_append_once(c->log->appender, leaf->data, leaf->size, since, ret_receipt,
                                     io_deadline_ms(APPEND_MS), err);
        if (r == 0 || err->kind != ERROR_INTERNAL) /* what it says itself stays so */
            return r;
        appender_free(TAKE_POINTER(c->log->appender));
    }
    return r;
}

static int log_bundle(struct controller *c, const char *nonce, const char *key_file, struct bundle *bundle,
                      uint64_t *ret_index, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    uint64_t since = 0;
    int r = crypto_public_key_load(key_file, &key, err);

    if (r == 0)
        r = ledger_leaf_of_bundle(bundle, key, &leaf, err);
    if (r == 0)
        r = note_size(c, nonce, &since, err);
    if (r == 0)
        r = append(c, &leaf, since, &receipt, err);
    if (r == 0)
        r = ledger_entry_put(bundle, &receipt, appender_key(c->log->appender), &leaf, err);
    if (r == 0)
        *ret_index = receipt.index;
    return r;
}

/* --- a result ---------------------------------------------------------------------------------------------------- */

/* Written outside the result, so that nothing is left in it by who is killed. */
static int replace(struct controller *c, const char *result, const struct bundle *bundle, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    char path[PATH_MAX];
    int r = bundle_encode(bundle, &text);

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the bundle can't be written: %s", strerror(-r));
    r = folder_path(result, BUNDLE_NAME, path, err);
    if (r == 0)
        r = folder_file_begin(c->folder, ASIDE_NAME, &file, err);
    if (r < 0)
        return r;
    (void)fwrite(text.data, 1, text.size, file.stream);
    r = folder_file_commit(&file, err);
    if (r == 0 && rename(file.path, path) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    return r < 0 ? r : folder_sync(result, "", err);
}

int controller_log_result(struct controller *c, const char *nonce, const char *job, const char *result,
                          const char *key_file, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    char path[PATH_MAX], told[32];
    uint64_t index = 0;
    int r;

    if (c->log == NULL)
        return 0;
    r = folder_path(result, BUNDLE_NAME, path, err);
    if (r == 0)
        r = file_read_bounded(path, &text, err);
    if (r == 0)
        r = bundle_decode(text.data, text.size, path, &bundle, err);
    if (r == 0)
        r = log_bundle(c, nonce, key_file, &bundle, &index, err);
    if (r == 0)
        r = replace(c, result, &bundle, err);
    if (r < 0)
        return r;
    (void)snprintf(told, sizeof told, "leaf %" PRIu64, index);
    controller_tell(c, "logged", job, "", told);
    return 0;
}
