/* SPDX-License-Identifier: Apache-2.0 */
/* The options that evaluate and replay share. */
#ifndef LAZARET_HOST_CLI_JOB_OPTIONS_H
#define LAZARET_HOST_CLI_JOB_OPTIONS_H

#include "host/cli/options.h"
#include "host/job/job.h"
#include "wire/plan.h"

#include <limits.h>

struct cli_job {
    struct job_options options;
    unsigned isolation, acceleration, transport, arithmetic, kernels; /* indices of choices */
    uint64_t vcpus, memory_mib, samples, batch;
    char output[PATH_MAX], key[PATH_MAX]; /* defaults, worked out */
};

extern const char *const cli_job_isolation_names[];
extern const char *const cli_job_acceleration_names[];
extern const char *const cli_job_transport_names[];
extern const char *const cli_job_arithmetic_names[];
extern const char *const cli_job_kernels_names[];

#define CLI_JOB_DEFAULTS {.options = {.policy_path = "low"}, .vcpus = 1, .batch = JOB_BATCH_DEFAULT}

#define CLI_JOB_INPUTS(job)                                                                                            \
    {"test", CLI_TEXT, "SET", "the test set: .npz with x and y", &(job).options.test_path},                            \
        {"train", CLI_TEXT, "SET", "the training set, for activation-clustering", &(job).options.train_path},          \
    {                                                                                                                  \
        "spec", CLI_TEXT, "S.yaml", "the input contract (docs/spec.md)", &(job).options.spec_path                      \
    }

#define CLI_JOB_MACHINE(job)                                                                                           \
    {"isolation", CLI_CHOICE, NULL, "process: no VM, for development and replay", &(job).isolation, 0, 0,              \
     cli_job_isolation_names},                                                                                         \
        {"accel", CLI_CHOICE, NULL, "how the VM runs (default: kvm where it works, else tcg)", &(job).acceleration, 0, \
         0, cli_job_acceleration_names},                                                                               \
        {"transport", CLI_CHOICE, NULL, "how bytes reach the VM (default: the kernel's vhost-vsock where it is)",      \
         &(job).transport, 0, 0, cli_job_transport_names},                                                             \
        {"vcpus", CLI_NUMBER, "N", "processors of the guest (default: 1)", &(job).vcpus, 1, VM_VCPUS_MAX},             \
        {"memory", CLI_NUMBER, "MIB", "memory of the guest (default: as the policy says)", &(job).memory_mib,          \
         VM_MEMORY_MIB_MIN, VM_MEMORY_MIB_MAX},                                                                        \
        {"batch", CLI_NUMBER, "N", "inputs computed together; never changes a result", &(job).batch, 1,                \
         PLAN_WINDOW_MAX},                                                                                             \
    {                                                                                                                  \
        "kernels", CLI_CHOICE, NULL, "force an instruction set; never changes a result", &(job).kernels, 0, 0,         \
            cli_job_kernels_names                                                                                      \
    }

/* Fills options.* from the parsed values. ERROR_USAGE where --test is missing. */
MUST_USE int cli_job_complete(struct cli_job *job, const char *model, struct error *err);

/* MODEL's file name with .lazaret, in the current directory, where -o was not given. */
MUST_USE int cli_job_default_output(struct cli_job *job, struct error *err);

/* $LAZARET_STATE/key.pem where --key was not given. */
MUST_USE int cli_job_default_key(struct cli_job *job, struct error *err);

#endif
