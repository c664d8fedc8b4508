/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: files opened and measured, policy read, data described. */
#include "host/job/admission.h"

#include "base/file.h"
#include "base/io.h"
#include "host/attest/text.h"
#include "host/data/set_path.h"
#include "host/job/deadlines.h"
#include "host/job/plan_make.h"
#include "host/job/recheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static int open_input(const char *path, int *ret_fd, uint64_t *ret_size, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    if (status.st_size == 0)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA, "%s: the file is empty", path);
    *ret_size = (uint64_t)status.st_size;
    *ret_fd = take_fd(&fd);
    return 0;
}

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
    int r = open_input(path, &admission->model_fd, &admission->model_size, err);

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
    r = open_input(path, &admission->reference_fd, &admission->reference_size, err);
    if (r == 0)
        r = name_file(path, admission->reference_name, err);
    return r < 0
               ? r
               : hash_file(path, admission->reference_fd, admission->reference_size, admission->reference_sha256, err);
}

/* A set, and its labels where they lie in a file of their own. */
static int open_set(const char *argument, int *ret_fd, int *ret_labels_fd, struct error *err)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    uint64_t size;
    int r = set_path_resolve(argument, &path, err);

    if (r == 0)
        r = open_input(path.file, ret_fd, &size, err);
    if (r == 0 && path.labels != NULL)
        r = open_input(path.labels, ret_labels_fd, &size, err);
    return r;
}

/* The spec, and the folder in which the files that it names lie. */
static int open_spec(struct admission *admission, const char *path, struct error *err)
{
    CLEANUP_FREE char *folder = strdup(path);
    uint64_t size;
    char *slash;
    int r = open_input(path, &admission->spec_fd, &size, err);

    if (r < 0)
        return r;
    if (folder == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the spec's path");
    slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
    admission->spec_folder_fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (admission->spec_folder_fd < 0)
        return error_set(err, file_error_kind(-errno), -errno, "%s: its folder can't be opened: %s", path,
                         strerror(errno));
    return 0;
}

static int open_triggers(struct admission *admission, const char *path, struct error *err)
{
    uint64_t size;

    if (!admission->policy.trigger_scan.present && !admission->policy.strip.present)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--triggers: the policy has neither trigger-scan nor strip, which alone look at triggers");
    return open_input(path, &admission->triggers_fd, &size, err);
}

static int open_data(struct admission *admission, const struct job_options *options, struct error *err)
{
    struct data_files files = DATA_FILES_NONE;
    int r = open_set(options->test_path, &admission->test_fd, &admission->test_labels_fd, err);

    if (r == 0 && options->train_path != NULL)
        r = open_set(options->train_path, &admission->train_fd, &admission->train_labels_fd, err);
    if (r == 0 && options->triggers_path != NULL)
        r = open_triggers(admission, options->triggers_path, err);
    if (r == 0 && options->spec_path != NULL)
        r = open_spec(admission, options->spec_path, err);
    if (r < 0)
        return r;
    files.test_name = options->test_path;
    files.train_name = options->train_path;
    files.triggers_name = options->triggers_path;
    files.spec_name = options->spec_path;
    files.test_fd = admission->test_fd;
    files.train_fd = admission->train_fd;
    files.triggers_fd = admission->triggers_fd;
    files.spec_fd = admission->spec_fd;
    files.spec_folder_fd = admission->spec_folder_fd;
    files.test_labels_fd = admission->test_labels_fd;
    files.train_labels_fd = admission->train_labels_fd;
    r = options->loan == NULL ? 0 : data_reader_borrow(options->loan, &files, &admission->reader, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return data_reader_start(&files, &admission->reader, err);
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
    admission->model_fd = admission->reference_fd = admission->test_fd = admission->train_fd = admission->spec_fd = -1;
    admission->test_labels_fd = admission->train_labels_fd = -1;
    admission->spec_folder_fd = admission->triggers_fd = -1;
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

static void close_all(const struct admission *admission)
{
    const int fds[] = {admission->model_fd,        admission->reference_fd,   admission->test_fd,
                       admission->train_fd,        admission->spec_fd,        admission->test_labels_fd,
                       admission->train_labels_fd, admission->spec_folder_fd, admission->triggers_fd};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

void admission_free(struct admission *admission)
{
    if (admission == NULL)
        return;
    data_reader_free(admission->reader);
    close_all(admission);
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
