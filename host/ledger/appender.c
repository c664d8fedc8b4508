/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's side of the appender. */
#include "host/ledger/appender.h"

#include "host/ledger/appender_internal.h"
#include "host/ledger/proof.h"

#include <errno.h>
#include <string.h>

struct appender {
    struct helper *helper;
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    size_t key_count;
};

static int start(const char *path, const char *key_paths, bool is_farms, struct appender **ret_appender,
                 struct error *err)
{
    CLEANUP_BUFFER struct buffer keys = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_APPENDER struct appender *appender = calloc(1, sizeof *appender);
    struct appender_state state = {.path = path, .key_paths = key_paths, .is_farms = is_farms};
    int r;

    if (appender == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the appender");
    r = helper_start(&appender_service, &state, &appender->helper, &keys, err);
    if (r == 0)
        r = ledger_keys_parse(keys.data, keys.size, "the ledger's keys", appender->keys, &appender->key_count, err);
    if (r == 0)
        *ret_appender = TAKE_POINTER(appender);
    return r;
}

int appender_start(const char *path, const char *key_paths, struct appender **ret_appender, struct error *err)
{
    return start(path, key_paths, false, ret_appender, err);
}

int appender_start_for_farm(const char *path, const char *key_paths, struct appender **ret_appender, struct error *err)
{
    return start(path, key_paths, true, ret_appender, err);
}

const struct note_key *appender_key(const struct appender *appender)
{
    return &appender->keys[0];
}

/* The reply must prove this very leaf. */
static int check_reply(const struct appender *appender, const struct proof *proof, const void *leaf, size_t size,
                       struct checkpoint *ret_checkpoint, struct error *err)
{
    if (proof->kind != PROOF_INCLUSION || proof->leaf.size != size || memcmp(proof->leaf.data, leaf, size) != 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "the appender proves another leaf");
    return proof_verify_inclusion(proof, appender->keys, appender->key_count, "the appender's proof", ret_checkpoint,
                                  err);
}

static int call(struct appender *appender, const void *request, size_t request_size, const void *leaf, size_t size,
                struct ledger_receipt *ret_receipt, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_PROOF struct proof proof = {0};
    struct checkpoint checkpoint;
    int r = helper_call(appender->helper, request, request_size, &text, deadline_ns, err);

    if (r == 0)
        r = proof_decode(text.data, text.size, "the appender's proof", &proof, err);
    if (r == 0)
        r = check_reply(appender, &proof, leaf, size, &checkpoint, err);
    if (r < 0)
        return r;
    *ret_receipt = (struct ledger_receipt){
        .index = proof.number, .checkpoint = checkpoint, .proof = proof.hashes, .note = proof.note};
    proof.note = buffer_with_limit(0); /* handed on */
    return 0;
}

int appender_append(struct appender *appender, const void *leaf, size_t size, struct ledger_receipt *ret_receipt,
                    uint64_t deadline_ns, struct error *err)
{
    return call(appender, leaf, size, leaf, size, ret_receipt, deadline_ns, err);
}

int appender_append_once(struct appender *appender, const void *leaf, size_t size, uint64_t since,
                         struct ledger_receipt *ret_receipt, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(APPENDER_SINCE_SIZE + LEDGER_LEAF_MAX);
    int r = buffer_append_u64le(&request, since);

    if (r == 0)
        r = buffer_append(&request, leaf, size);
    if (r < 0)
        return error_set(err, ERROR_BAD_INPUT, r, "a leaf of %zu bytes; at most %u fit", size, LEDGER_LEAF_MAX);
    return call(appender, request.data, request.size, leaf, size, ret_receipt, deadline_ns, err);
}

void appender_free(struct appender *appender)
{
    if (appender == NULL)
        return;
    helper_free(appender->helper);
    free(appender);
}
