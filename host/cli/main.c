/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret: the table of subcommands. */
#include "host/cli/commands.h"

#include "host/cli/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define EXIT_STATUS_USAGE 64

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *purpose;
};

static const struct command commands[] = {
    {"evaluate", cli_evaluate, "evaluate a model in a disposable microVM and sign the result"},
    {"batch", cli_batch, "evaluate a list of models, as many at once as the machine carries"},
    {"worker", cli_worker, "work on a batch's queue as a service"},
    {"status", cli_status, "how a batch stands"},
    {"slurm-task", cli_slurm_task, "a node's part of a batch on Slurm; sbatch runs it"},
    {"cancel", cli_cancel, "cancel jobs of a batch"},
    {"scan", cli_scan, "look for malicious code in model files, inside a disposable microVM"},
    {"verify", cli_verify, "check a signed result offline"},
    {"replay", cli_replay, "evaluate again and compare with a signed result"},
    {"report", cli_report, "write the report of a signed result again, elsewhere"},
    {"provenance", cli_provenance, "verify a model's own signature and checksums"},
    {"approve", cli_approve, "sign off a result, as one of the policy's reviewers"},
    {"waive", cli_waive, "vouch, for a time, for what a check did not tell"},
    {"release", cli_release, "sign the release of a result that is signed off, or check one"},
    {"image", cli_image, "build, show, export or import guest images"},
    {"timestamp", cli_timestamp, "add an authority's timestamp to a result"},
    {"keygen", cli_keygen, "make a signing key"},
    {"ledger", cli_ledger, "keep and check the log of what was evaluated"},
    {"doctor", cli_doctor, "look at what this machine offers, and say what to do"},
};

static void print_usage(FILE *file)
{
    (void)fprintf(file, "usage: lazaret COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        (void)fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].purpose);
    (void)fprintf(file, "\nlazaret COMMAND --help says more; lazaret --version names this version.\n");
}

int main(int argc, char **argv)
{
    (void)prctl(PR_SET_NAME, "lazaret"); /* also where it was started as /proc/self/exe */
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("lazaret %s\n", LAZARET_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return cli_finish("lazaret", commands[i].run(argc - 1, argv + 1));
    (void)fprintf(stderr, "lazaret: there is no command \"%s\"\n", argv[1]);
    print_usage(stderr);
    return EXIT_STATUS_USAGE;
}
