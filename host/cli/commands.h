/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. Each takes its own name as argv[0] and returns the process's exit status. */
#ifndef LAZARET_HOST_CLI_COMMANDS_H
#define LAZARET_HOST_CLI_COMMANDS_H

int cli_approve(int argc, char **argv);
int cli_batch(int argc, char **argv);
int cli_cancel(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_evaluate(int argc, char **argv);
int cli_image(int argc, char **argv);
int cli_keygen(int argc, char **argv);
int cli_ledger(int argc, char **argv);
int cli_provenance(int argc, char **argv);
int cli_release(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_scan(int argc, char **argv);
int cli_slurm_task(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_timestamp(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_waive(int argc, char **argv);
int cli_worker(int argc, char **argv);

#endif
