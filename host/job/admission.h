/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: files opened and measured, policy read, data described, before anything boots.
 *
 * Model bytes are hashed here and never looked at. Whatever is wrong with the files is an error; what the policy or the
 * guest's memory forbids is a refusal, which is a result and gets signed.
 */
#ifndef LAZARET_HOST_JOB_ADMISSION_H
#define LAZARET_HOST_JOB_ADMISSION_H

#include "host/data/files.h"
#include "host/job/events.h"
#include "host/job/job.h"
#include "host/policy/policy.h"

#include <limits.h>

/* Guest memory besides model and data: kernel, agent, one worker. See docs/execution.md. */
#define ADMISSION_BASE_MIB 96u

struct admission {
    int model_fd, reference_fd;    /* -1: none */
    struct data_files data;        /* -1: none */
    char model_name[NAME_MAX + 1]; /* the file's own name, printable */
    uint64_t model_size;
    uint8_t model_sha256[SHA256_SIZE];
    char reference_name[NAME_MAX + 1]; /* of the model to compare weights with; as the model's */
    uint64_t reference_size;           /* 0: there is none */
    uint8_t reference_sha256[SHA256_SIZE];
    struct buffer policy_text; /* the file's bytes, those that `policy` was read from */
    struct policy policy;
    struct data_reader *reader;
    struct data_description *description;
    int32_t *test_labels, *train_labels; /* NULL where the set has none, or for training where no check asks */
    uint64_t memory_mib;                 /* of the guest */
    uint64_t needed_mib;                 /* by our estimate */
};

/* Opens everything and starts the data reader; single-threaded. */
MUST_USE int admission_open(const struct job_options *options, struct events *events, struct admission **ret_admission,
                            struct error *err);
void admission_free(struct admission *admission);

/* Until when the data reader may take for one answer from now on: the policy's deadline, or JOB_DEADLINE_DESCRIBE_MS
 * where that is sooner. */
uint64_t admission_data_deadline_ns(const struct admission *admission);

/*
 * Whether policy and memory allow the job: 0, or -EPERM (the policy forbids it) or -ENOMEM (the guest would be too
 * small) with ERROR_GUEST and the figures in `err`.
 */
MUST_USE int admission_decide(const struct admission *admission, const struct job_options *options, struct error *err);

/*
 * MiB of memory that a guest needs: its base, the model four times (file, weights, packed forward, packed backward),
 * the reference model twice (file, weights), and windows of the test set. Sizes in bytes.
 */
uint64_t admission_estimate_mib(uint64_t model_size, uint64_t reference_size, uint64_t window_bytes);

/* A window's usual size (plan_make_window), where the set is not known yet. */
#define ADMISSION_WINDOW_BYTES (UINT64_C(4) << 20)

static inline void admission_free_pointer(struct admission **admission)
{
    admission_free(*admission);
}
#define CLEANUP_ADMISSION CLEANUP(admission_free_pointer)

#endif
