/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommand `lazaret doctor`. */
#ifndef LAZARET_HOST_CLI_DOCTOR_H
#define LAZARET_HOST_CLI_DOCTOR_H

/* argv[0] is "doctor". Prints, and returns the exit status: 0, or 69 where an evaluation can't run. */
int cli_doctor(int argc, char **argv);

#endif
