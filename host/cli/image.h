/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommand `lazaret image`. */
#ifndef LAZARET_HOST_CLI_IMAGE_H
#define LAZARET_HOST_CLI_IMAGE_H

/* argv[0] is "image". Prints, and returns the exit status. */
int cli_image(int argc, char **argv);

#endif
