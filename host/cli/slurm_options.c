/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `lazaret batch --slurm`. */
#include "host/cli/slurm_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Results are the nodes', by their keys, and a GPU is Slurm's to choose. */
static int check_job(const struct cli_slurm *slurm, const struct cli_job *cli, struct error *err)
{
    const struct job_options *job = &cli->options;

    if (slurm->options.node_gpus != NULL && cli->isolation == VM_PROCESS)
        return error_set(err, ERROR_USAGE, -EINVAL, "--node-gpus: a device is passed through to a microVM only");
    if (job->key_path != NULL || job->passphrase.file != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--key: with --slurm each node signs by its own: --node-key (docs/slurm.md)");
    if (job->gpu != NULL)
        return error_set(
            err, ERROR_USAGE, -EINVAL,
            "--gpu: Slurm chooses the device, of those in --node-gpus; a job asks for one by \"gpu\": true "
            "in its line");
    return 0;
}

/* A word that goes to Slurm's programs as it is. */
static int check_word(const char *option, const char *word, struct error *err)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-,";

    if (word == NULL || (word[0] != '-' && word[strspn(word, characters)] == '\0'))
        return 0;
    return error_set(err, ERROR_USAGE, -EINVAL, "--%s: letters, digits and . _ - , expected", option);
}

static int set_defaults(struct cli_slurm *slurm, struct error *err)
{
    ssize_t size;

    if (slurm->options.state == NULL)
        slurm->options.state = getenv("LAZARET_STATE");
    if (slurm->options.program != NULL)
        return 0;
    size = readlink("/proc/self/exe", slurm->program, sizeof slurm->program);
    if (size <= 0 || (size_t)size >= sizeof slurm->program)
        return error_set(err, ERROR_INTERNAL, -errno, "/proc/self/exe: %s", strerror(errno));
    slurm->program[size] = '\0';
    slurm->options.program = slurm->program;
    return 0;
}

int cli_slurm_complete(struct cli_slurm *slurm, const struct cli_job *job, struct error *err)
{
    int r = check_job(slurm, job, err);

    if (r == 0)
        r = check_word("partition", slurm->options.partition, err);
    if (r == 0)
        r = check_word("account", slurm->options.account, err);
    return r < 0 ? r : set_defaults(slurm, err);
}
