/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: files opened and measured, policy read, data described. */
#include "host/job/admission.h"

#include "base/file.h"
#include "base/io.h"
#include "host/attest/text.h"
#include "host/job/deadlines.h"
#include "host/job/plan_make.h"
#include "host/job/recheck.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* The file's own name, as results and messages show it. */
static int name_file(const char *path, char ret_name[NAME_MAX + 1], struct error *err)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(NAME_MAX);
    const char *slash = strrchr(path, '/');

    if (text_escape(slash != NULL ? slash + 1 : path, NAME_MAX, &name) < 0)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the model's name");
    memcpy(ret_name, name.data, name.size);
    return 0;
}

static int hash_file(const char *path, int fd, uint64_t size, uint8_t ret_sha256[SHA256_SIZE], struct error *err)
{
    uint64_t hashed;
    int r = sha256_of_fd(fd, ret_sha256, &hashed);

    if (r < 0 || hashed != size)
        return error_set(err, ERROR_NO_INPUT, r < 0 ? r : -EIO, "%s: can't be read to its end: %s", path,
                         strerror(r < 0 ? -r : EIO));
    return 0;
}

static int open_model(struct admission *admission, const char *path, struct error *err)
{
    int r = file_open_filled(path, &admission->model_fd, &admission->model_size, err);

    if (r == 0)
        r = name_file(path, admission->model_name, err);
    return r < 0 ? r : hash_file(path, admission->model_fd, admission->model_size, admission->model_sha256, err);
}

/* Like the model, hashed and never looked at. */
static int open_reference(struct admission *admission, const char *path, struct error *err)
{
    int r;

    if (path == NULL)
        return 0;
    if (!admission->policy.weight_drift.present)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--reference: the policy has no weight-drift, which alone looks at a reference model");
    r = file_open_filled(path, &admission->reference_fd, &admission->reference_size, err);
    if (r == 0)
        r = name_file(path, admission->reference_name, err);
    return r < 0
               ? r
               : hash_file(path, admission->reference_fd, admission->reference_size, admission->reference_sha256, err);
}

static int check_triggers(const struct admission *admission, const struct job_options *options, struct error *err)
{
    if (options->triggers_path == NULL || admission->policy.trigger_scan.present || admission->policy.strip.present)
        return 0;
    return error_set(err, ERROR_USAGE, -EINVAL,
                     "--triggers: the policy has neither trigger-scan nor strip, which alone look at triggers");
}

static int open_data(struct admission *admission, const struct job_options *options, struct error *err)
{
    const struct data_names names = {.test = options->test_path,
                                     .train = options->train_path,
                                     .spec = options->spec_path,
                                     .triggers = options->triggers_path};
    int r = check_triggers(admission, options, err);

    if (r == 0)
        r = data_files_open(&names, &admission->data, err);
    if (r < 0)
        return r;
    r = options->loan == NULL ? 0 : data_reader_borrow(options->loan, &admission->data, &admission->reader, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return data_reader_start(&admission->data, &admission->reader, err);
}

uint64_t admission_data_deadline_ns(const struct admission *admission)
{
    uint64_t allowed_ms = (uint64_t)admission->policy.deadline_seconds * 1000;

    return io_deadline_ms(allowed_ms < JOB_DEADLINE_DESCRIBE_MS ? allowed_ms : JOB_DEADLINE_DESCRIBE_MS);
}

static int read_labels(struct admission *admission, enum data_set_id set, int32_t **ret_labels, struct error *err)
{
    size_t count;

    if (!admission->description->sets[set].labelled)
        return 0;
    return data_reader_labels(admission->reader, set, admission_data_deadline_ns(admission), ret_labels, &count, err);
}

/* Labels for each input, of two classes at least: with one alone no figure says anything of telling classes apart. */
static int check_labels(const struct data_set_description *set, const char *path, const char *why, struct error *err)
{
    if (!set->labelled)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA, "%s: there are no labels (y, or for IDX a file of them); %s",
                         path, why);
    if (set->label_distinct < 2)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA,
                         "%s: all %llu labels are of one class, %u; give inputs of every class", path,
                         (unsigned long long)set->count, set->label_max);
    return 0;
}

static int describe_data(struct admission *admission, const struct job_options *options, struct error *err)
{
    const struct data_set_description *train = &admission->description->sets[DATA_SET_TRAIN];
    int r = data_reader_describe(admission->reader, admission_data_deadline_ns(admission), admission->description, err);

    if (r < 0)
        return r;
    r = check_labels(&admission->description->sets[DATA_SET_TEST], options->test_path,
                     "accuracy needs one for each test input", err);
    if (r == 0 && train->present)
        r = check_labels(train, options->train_path, "the training set needs one for each input", err);
    if (r < 0)
        return r;
    r = read_labels(admission, DATA_SET_TEST, &admission->test_labels, err);
    if (r == 0 && train->present)
        r = read_labels(admission, DATA_SET_TRAIN, &admission->train_labels, err);
    return r;
}

uint64_t admission_estimate_mib(uint64_t model_size, uint64_t reference_size, uint64_t window_bytes)
{
    return ADMISSION_BASE_MIB + (4 * model_size + 2 * reference_size + 4 * window_bytes + MIB - 1) / MIB;
}

static uint64_t estimate_mib(const struct admission *admission)
{
    const struct data_set_description *test = &admission->description->sets[DATA_SET_TEST];

    return admission_estimate_mib(admission->model_size, admission->reference_size,
                                  plan_make_window(test->elements) * test->elements * sizeof(float));
}

static struct admission *admission_new(void)
{
    struct admission *admission = calloc(1, sizeof *admission);

    if (admission == NULL)
        return NULL;
    admission->model_fd = admission->reference_fd = -1;
    admission->data = (struct data_files)DATA_FILES_NONE;
    admission->policy_text = buffer_with_limit(POLICY_SIZE_MAX);
    admission->description = calloc(1, sizeof *admission->description);
    return admission;
}

/* Read once: what is judged by, digested and written out are the same bytes. */
static int read_policy(struct admission *admission, const char *path, struct error *err)
{
    int r = file_read_bounded(path, &admission->policy_text, err);

    if (r < 0)
        return r;
    return policy_parse(admission->policy_text.data, admission->policy_text.size, path, &admission->policy, err);
}

int admission_open(const struct job_options *options, struct events *events, struct admission **ret_admission,
                   struct error *err)
{
    CLEANUP_ADMISSION struct admission *admission = admission_new();
    int r;

    if (admission == NULL || admission->description == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the admission");
    events_begin(events, "admit");
    r = read_policy(admission, options->policy_path, err);
    if (r == 0)
        r = open_model(admission, options->model_path, err);
    if (r == 0)
        r = open_reference(admission, options->reference_path, err);
    if (r == 0)
        r = open_data(admission, options, err);
    if (r == 0)
        r = describe_data(admission, options, err);
    if (r < 0)
        return r;
    admission->memory_mib = options->memory_mib > 0 ? options->memory_mib : admission->policy.memory_mib;
    admission->needed_mib = estimate_mib(admission);
    *ret_admission = TAKE_POINTER(admission);
    return 0;
}

void admission_free(struct admission *admission)
{
    if (admission == NULL)
        return;
    data_reader_free(admission->reader);
    data_files_close(&admission->data);
    if (admission->model_fd >= 0)
        (void)close(admission->model_fd);
    if (admission->reference_fd >= 0)
        (void)close(admission->reference_fd);
    buffer_free(&admission->policy_text);
    free(admission->description);
    free(admission->test_labels);
    free(admission->train_labels);
    free(admission);
}

/* --- the decision ---------------------------------------------------------------------------------------- */

static int forbidden(struct error *err, const char *what, const char *remedy)
{
    return error_set(err, ERROR_GUEST, -EPERM, "the policy does not allow %s; %s", what, remedy);
}

static int too_large(struct error *err, const char *name, uint64_t size, uint64_t allowed)
{
    return error_set(err, ERROR_GUEST, -EPERM, "%s: the model has %llu bytes, the policy allows %llu", name,
                     (unsigned long long)size, (unsigned long long)allowed);
}

static int decide_by_policy(const struct admission *admission, const struct job_options *options, struct error *err)
{
    const struct policy *policy = &admission->policy;
    unsigned isolation = options->isolation == VM_PROCESS ? POLICY_ALLOW_PROCESS : POLICY_ALLOW_MICROVM;

    if (options->replay == NULL && (policy->isolation & isolation) == 0)
        return forbidden(err, isolation == POLICY_ALLOW_PROCESS ? "isolation by process" : "isolation by microvm",
                         "see `isolation` in it");
    if (options->replay == NULL && options->samples > 0 && !policy->report_samples)
        return forbidden(err, "inputs to be written out", "leave --samples out, or see `report` in it");
    if (admission->model_size > policy->model_bytes_max)
        return too_large(err, admission->model_name, admission->model_size, policy->model_bytes_max);
    if (admission->reference_size > policy->model_bytes_max)
        return too_large(err, admission->reference_name, admission->reference_size, policy->model_bytes_max);
    return 0;
}

int admission_decide(const struct admission *admission, const struct job_options *options, struct error *err)
{
    int r = decide_by_policy(admission, options, err);

    if (r < 0)
        return r;
    if (options->isolation == VM_MICROVM && admission->needed_mib > admission->memory_mib)
        return error_set(err, ERROR_GUEST, -ENOMEM,
                         "%s: the model of %llu bytes needs about %llu MiB of guest memory, and the guest has %llu; "
                         "give it more with --memory %llu",
                         admission->model_name, (unsigned long long)admission->model_size,
                         (unsigned long long)admission->needed_mib, (unsigned long long)admission->memory_mib,
                         (unsigned long long)admission->needed_mib);
    return options->replay != NULL
               ? 0
               : recheck_admit(&admission->policy, admission->description->sets[DATA_SET_TEST].elements, err);
}
