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
    unsigned isolation, acceleration, transport, arithmetic, kernels, device; /* indices of choices */
    uint64_t vcpus, memory_mib, samples, batch;
    char output[PATH_MAX], key[PATH_MAX]; /* defaults, worked out */
};

extern const char *const cli_job_isolation_names[];
extern const char *const cli_job_acceleration_names[];
extern const char *const cli_job_transport_names[];
extern const char *const cli_job_arithmetic_names[];
extern const char *const cli_job_kernels_names[];
extern const char *const cli_job_device_names[];

#define CLI_JOB_DEFAULTS                                                                                               \
    {                                                                                                                  \
        .options = {.policy_path = "low"}, .vcpus = 1, .batch = JOB_BATCH_DEFAULT                                      \
    }

#define CLI_JOB_INPUTS(job)                                                                                            \
    CLI_OPTION_TEXT("test", "SET", "the test set: .npz, .safetensors or IDX images", &(job).options.test_path),        \
        CLI_OPTION_TEXT("train", "SET", "the training set, for checks of its activations", &(job).options.train_path), \
        CLI_OPTION_TEXT("reference", "MODEL", "a trusted model to compare weights with, for weight-drift",             \
                        &(job).options.reference_path),                                                                \
        CLI_OPTION_TEXT("triggers", "SET", "trigger patterns x and where they lie, mask, to try on the model",         \
                        &(job).options.triggers_path),                                                                 \
        CLI_OPTION_TEXT("spec", "S.yaml", "the input contract (docs/spec.md)", &(job).options.spec_path)

#define CLI_JOB_MACHINE(job)                                                                                           \
    CLI_OPTION_CHOICE("isolation", "process: no VM, for development and replay", &(job).isolation,                     \
                      cli_job_isolation_names),                                                                        \
        CLI_OPTION_CHOICE("accel", "how the VM runs (default: kvm where it works, else tcg)", &(job).acceleration,     \
                          cli_job_acceleration_names),                                                                 \
        CLI_OPTION_CHOICE("transport", "how bytes reach the VM (default: the kernel's vhost-vsock where it is)",       \
                          &(job).transport, cli_job_transport_names),                                                  \
        CLI_OPTION_NUMBER("vcpus", "N", "processors of the guest (default: 1)", &(job).vcpus, 1, VM_VCPUS_MAX),        \
        CLI_OPTION_NUMBER("memory", "MIB", "memory of the guest (default: as the policy says)", &(job).memory_mib,     \
                          VM_MEMORY_MIB_MIN, VM_MEMORY_MIB_MAX),                                                       \
        CLI_OPTION_TEXT("gpu", "PCI", "pass this GPU of the host's to the VM: its address, for instance 0000:01:00.0", \
                        &(job).options.gpu),                                                                           \
        CLI_OPTION_NUMBER("batch", "N", "inputs computed together; never changes a result (default: 32)",              \
                          &(job).batch, 1, PLAN_WINDOW_MAX),                                                           \
        CLI_OPTION_CHOICE("device", "opencl: compute on a GPU, in the arithmetic fma; never changes a result",         \
                          &(job).device, cli_job_device_names),                                                        \
        CLI_OPTION_CHOICE("kernels", "force an instruction set; never changes a result", &(job).kernels,               \
                          cli_job_kernels_names)

/* Fills options.* from the parsed values. ERROR_USAGE where --test is missing. */
MUST_USE int cli_job_complete(struct cli_job *job, const char *model, struct error *err);

/* MODEL's file name with .lazaret, in the current directory, where -o was not given. */
MUST_USE int cli_job_default_output(struct cli_job *job, struct error *err);

/* $LAZARET_STATE/key.pem where --key was not given. */
MUST_USE int cli_job_default_key(struct cli_job *job, struct error *err);

#endif
