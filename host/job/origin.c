/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding, before anything boots, whether the model comes from where it should. */
#include "host/job/origin.h"

#include "base/time_text.h"
#include "host/attest/statement_provenance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A model that is refused: a result, and no error. */
static void refuse(struct error *refusal, const char *what, const char *why)
{
    (void)error_set(refusal, ERROR_GUEST, -EPERM, "%s%s", what, why);
}

/* --- whom to believe --------------------------------------------------------------------------------------- */

static void add_policy_keys(const struct policy *policy, struct provenance_inputs *inputs)
{
    for (unsigned i = 0; i < policy->keyring.count; i++) {
        const struct keyring_key *key = &policy->keyring.keys[i];

        if ((key->use & KEYRING_MODEL) != 0 && inputs->trust.key_count < SIGNATURE_KEYS_MAX)
            inputs->keys[inputs->trust.key_count++] =
                (struct provenance_key){.name = key->name, .text = key->text, .size = strlen(key->text)};
    }
}

static void add_policy_authorities(const struct policy_provenance *provenance, struct provenance_inputs *inputs)
{
    if (provenance->identity_count == 0)
        return;
    inputs->trust.anchors.authorities = provenance->authorities;
    inputs->trust.anchors.authorities_size = strlen(provenance->authorities);
    inputs->trust.anchors.identity_count = provenance->identity_count;
    for (unsigned i = 0; i < provenance->identity_count; i++)
        inputs->identities[i] = provenance->identities[i];
}

static bool policy_names_trust(const struct policy *policy)
{
    if (policy->provenance.identity_count > 0)
        return true;
    for (unsigned i = 0; i < policy->keyring.count; i++)
        if ((policy->keyring.keys[i].use & KEYRING_MODEL) != 0)
            return true;
    return false;
}

/* The policy's keys and authorities where it names any, else the user's. */
static int gather_trust(const struct policy *policy, const struct provenance_options *options,
                        struct provenance_inputs *inputs, struct error *err)
{
    bool given = options->trusted_key != NULL || options->trusted_ca != NULL;

    if (policy_names_trust(policy)) {
        if (given)
            return error_set(err, ERROR_USAGE, -EINVAL,
                             "the policy names whose signatures of models count; leave --trusted-key, --trusted-ca and "
                             "--identity out, or change the policy's keys or certificateAuthorities");
        add_policy_keys(policy, inputs);
        add_policy_authorities(&policy->provenance, inputs);
        return 0;
    }
    if (inputs->has_signature && !given)
        return error_set(
            err, ERROR_USAGE, -EINVAL,
            "--signature needs somebody to believe: --trusted-key PUB.pem, --trusted-ca CA.pem and --identity "
            "WHO, or keys in the policy with `use: [model]`");
    return 0;
}

/* A key of the policy counts only while it is valid; a revoked one never does, whoever named it. */
static void judge_key(const struct policy *policy, const struct provenance_verdict *verdict, int64_t now,
                      struct error *refusal)
{
    const struct keyring_key *key = keyring_find(&policy->keyring, verdict->key_sha256, KEYRING_MODEL);
    enum keyring_standing standing = KEYRING_VALID;
    char text[256];

    if (key != NULL)
        standing = keyring_judge(key, now);
    else if (keyring_find_revocation(&policy->keyring, verdict->key_sha256) != NULL)
        standing = KEYRING_REVOKED;
    if (standing == KEYRING_VALID)
        return;
    (void)snprintf(text, sizeof text, "the policy's key %s, which made it, is %s", key != NULL ? key->name : "list's",
                   keyring_standing_names[standing]);
    refuse(refusal, "the model's signature: ", text);
}

/* --- verifying --------------------------------------------------------------------------------------------- */

static int verify_signature(const struct admission *admission, const struct job_options *options,
                            const char *own_folder, struct origin *origin, struct error *refusal, struct error *err)
{
    CLEANUP_FREE char *folder = provenance_folder_of(options->model_path);
    struct provenance_model model = {.root = options->provenance.root != NULL ? options->provenance.root : folder,
                                     .name = admission->model_name,
                                     .fd = admission->model_fd,
                                     .size = admission->model_size};
    struct error cause = {0};
    struct tree_id own;
    struct stat status;
    int r;

    if (model.root == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the model's folder");
    memcpy(model.sha256, admission->model_sha256, SHA256_SIZE);
    if (own_folder != NULL && stat(own_folder, &status) == 0) {
        own = (struct tree_id){.device = status.st_dev, .inode = status.st_ino};
        model.excluded = &own;
        model.excluded_count = 1;
    }
    r = provenance_verify(&origin->inputs.signature, &origin->inputs.trust, &model, &origin->verdict, &cause);
    if (r < 0 && cause.kind != ERROR_MISMATCH) {
        *err = cause;
        return r;
    }
    if (r < 0)
        refuse(refusal, "the model's signature: ", cause.text);
    else
        judge_key(&admission->policy, &origin->verdict, origin->inputs.trust.now, refusal);
    origin->signature_holds = refusal->kind == ERROR_NONE;
    return 0;
}

static int verify_checksums(const struct admission *admission, const struct job_options *options, struct origin *origin,
                            struct error *refusal, struct error *err)
{
    const char *slash = strrchr(options->model_path, '/');
    const char *name = slash != NULL ? slash + 1 : options->model_path;
    struct error cause = {0};
    int r = provenance_check_sums(&origin->inputs.checksums, name, admission->model_sha256, &cause);

    if (r < 0 && cause.kind != ERROR_MISMATCH) {
        *err = cause;
        return r;
    }
    if (r < 0)
        refuse(refusal, "", cause.text);
    origin->checksums_hold = r == 0;
    return 0;
}

static int decide(const struct admission *admission, const struct job_options *options, const char *own_folder,
                  struct origin *origin, struct error *refusal, struct error *err)
{
    const struct policy_provenance *demands = &admission->policy.provenance;
    bool repeats = options->key_path == NULL; /* a replay asks for the facts again, and its auditor has the statement */
    int r = 0;

    if (origin->inputs.has_signature)
        r = verify_signature(admission, options, own_folder, origin, refusal, err);
    else if (demands->required && !repeats)
        refuse(refusal, "the policy requires the model's own signature; ", "none was given (--signature FILE)");
    if (r < 0 || refusal->kind != ERROR_NONE)
        return r;
    if (origin->inputs.has_checksums)
        r = verify_checksums(admission, options, origin, refusal, err);
    else if (demands->checksums && !repeats)
        refuse(refusal, "the policy requires a list of checksums; ", "none was given (--checksums FILE)");
    if (r == 0 && refusal->kind == ERROR_NONE && demands->source && origin->source == NULL && !repeats)
        refuse(refusal, "the policy requires the model's source; ", "none was given (--source URI)");
    return r;
}

int origin_check(const struct admission *admission, const struct job_options *options, const char *own_folder,
                 struct events *events, struct origin **ret_origin, struct error *ret_refusal, struct error *err)
{
    CLEANUP_ORIGIN struct origin *origin = calloc(1, sizeof *origin);
    int r;

    if (origin == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the model's provenance");
    origin->source = options->provenance.source;
    r = provenance_inputs_load(&options->provenance, time(NULL), &origin->inputs, err);
    if (r == 0)
        r = gather_trust(&admission->policy, &options->provenance, &origin->inputs, err);
    if (r == 0 && (origin->inputs.has_signature || origin->inputs.has_checksums))
        events_begin(events, "provenance");
    if (r == 0)
        r = decide(admission, options, own_folder, origin, ret_refusal, err);
    if (r == 0)
        *ret_origin = TAKE_POINTER(origin);
    return r;
}

size_t origin_words(const struct origin *origin, const char *ret_words[ORIGIN_WORDS_MAX])
{
    size_t count = 0;

    if (origin != NULL && origin->signature_holds)
        ret_words[count++] = STATEMENT_WORD_PROVENANCE;
    if (origin != NULL && origin->checksums_hold)
        ret_words[count++] = STATEMENT_WORD_CHECKSUMS;
    return count;
}

void origin_free(struct origin *origin)
{
    if (origin != NULL)
        provenance_inputs_free(&origin->inputs);
    free(origin);
}
