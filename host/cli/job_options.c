/* SPDX-License-Identifier: Apache-2.0 */
/* The options that evaluate and replay share. */
#include "host/cli/job_options.h"

#include "host/vm/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the order of the enums they stand for. */
const char *const cli_job_isolation_names[] = {"microvm", "process", NULL};
const char *const cli_job_acceleration_names[] = {"auto", "kvm", "tcg", NULL};
const char *const cli_job_transport_names[] = {"auto", "vhost-vsock", "vhost-user", NULL};
const char *const cli_job_arithmetic_names[] = {"auto", "fma", "mul-add", NULL};
const char *const cli_job_kernels_names[] = {"auto", "sse2", "avx", "avx2", "avx512", NULL};
const char *const cli_job_device_names[] = {"cpu", "opencl", NULL};

int cli_job_complete(struct cli_job *job, const char *model, struct error *err)
{
    struct job_options *options = &job->options;

    if (options->test_path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "--test SET is missing; see --help");
    /* Who stops to read what we say does not end the job: its result is in files. A limit on files' sizes (ulimit -f)
     * ends it with an error, as a full disk does. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    options->model_path = model;
    options->isolation = (enum vm_isolation)job->isolation;
    options->acceleration = (enum vm_acceleration)job->acceleration;
    options->transport = (enum vm_transport)job->transport;
    options->arithmetic = (enum job_arithmetic)job->arithmetic;
    options->device = (enum job_device)job->device;
    options->vcpus = (unsigned)job->vcpus;
    options->memory_mib = job->memory_mib;
    options->samples = (uint32_t)job->samples;
    options->batch = (uint32_t)job->batch;
    options->kernels = job->kernels == 0 ? NULL : cli_job_kernels_names[job->kernels];
    return 0;
}

int cli_job_default_output(struct cli_job *job, struct error *err)
{
    const char *slash = strrchr(job->options.model_path, '/');
    const char *name = slash != NULL ? slash + 1 : job->options.model_path;

    if (job->options.output_path != NULL)
        return 0;
    if ((size_t)snprintf(job->output, sizeof job->output, "%s.lazaret", name) >= sizeof job->output)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the model's name is too long for a default; use -o");
    job->options.output_path = job->output;
    return 0;
}

int cli_job_default_key(struct cli_job *job, struct error *err)
{
    if (job->options.key_path != NULL)
        return 0;
    (void)snprintf(job->key, sizeof job->key, "%s/key.pem", state_path());
    if (access(job->key, F_OK) < 0)
        return error_set(err, ERROR_NO_INPUT, -ENOENT,
                         "there is no signing key: give one with --key, or make the default one with "
                         "`lazaret keygen -o %s/key`",
                         state_path());
    job->options.key_path = job->key;
    return 0;
}
