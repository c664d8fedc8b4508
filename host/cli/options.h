/* SPDX-License-Identifier: Apache-2.0 */
/* A subcommand's options from one table: parsed by it, and its --help printed from it. */
#ifndef LAZARET_HOST_CLI_OPTIONS_H
#define LAZARET_HOST_CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_kind {
    CLI_TEXT,   /* const char ** */
    CLI_FLAG,   /* bool * */
    CLI_NUMBER, /* uint64_t *, within minimum and maximum */
    CLI_CHOICE, /* unsigned *: the index in `choices` */
};

struct cli_option {
    const char *name; /* "test", for --test; a single letter is -o */
    enum cli_kind kind;
    const char *argument; /* "SET" in the help; NULL for flags */
    const char *help;
    const char *needs; /* the flag without which this option would do nothing; NULL: none */
    void *value;
    uint64_t minimum, maximum;  /* CLI_NUMBER */
    const char *const *choices; /* CLI_CHOICE: NULL-terminated */
};

#define CLI_OPTION_TEXT(n, a, h, v)                                                                                    \
    {                                                                                                                  \
        .name = (n), .kind = CLI_TEXT, .argument = (a), .help = (h), .value = (v)                                      \
    }
#define CLI_OPTION_TEXT_OF(flag, n, a, h, v)                                                                           \
    {                                                                                                                  \
        .needs = (flag), .name = (n), .kind = CLI_TEXT, .argument = (a), .help = (h), .value = (v)                     \
    }
#define CLI_OPTION_NUMBER_OF(flag, n, a, h, v, low, high)                                                              \
    {                                                                                                                  \
        .needs = (flag), .name = (n), .kind = CLI_NUMBER, .argument = (a), .help = (h), .value = (v),                  \
        .minimum = (low), .maximum = (high)                                                                            \
    }
#define CLI_OPTION_FLAG(n, h, v)                                                                                       \
    {                                                                                                                  \
        .name = (n), .kind = CLI_FLAG, .help = (h), .value = (v)                                                       \
    }
#define CLI_OPTION_CHOICE(n, h, v, c)                                                                                  \
    {                                                                                                                  \
        .name = (n), .kind = CLI_CHOICE, .help = (h), .value = (v), .choices = (c)                                     \
    }
#define CLI_OPTION_NUMBER(n, a, h, v, low, high)                                                                       \
    {                                                                                                                  \
        .name = (n), .kind = CLI_NUMBER, .argument = (a), .help = (h), .value = (v), .minimum = (low),                 \
        .maximum = (high)                                                                                              \
    }

struct cli_command {
    const char *usage;   /* "lazaret evaluate MODEL --test SET [OPTIONS]" */
    const char *purpose; /* a sentence or more */
    const struct cli_option *options;
    size_t option_count;
    unsigned operands_min, operands_max;
};

#define CLI_OPERANDS_MAX 1024u
#define CLI_OPTIONS_MAX  64u /* of a command */

enum cli_parse { CLI_PARSED, CLI_HELP_SHOWN };

/*
 * Parses argv (from its first argument on) into the options' values; "--" ends options. Operands are borrowed. No
 * option but a flag may be there twice, none without the one that it needs, and neither text nor operand may be empty.
 * --help prints the help and sets *ret_parse. ERROR_USAGE names the argument.
 */
MUST_USE int cli_options_parse(const struct cli_command *command, int argc, char **argv,
                               const char *ret_operands[CLI_OPERANDS_MAX], unsigned *ret_operand_count,
                               enum cli_parse *ret_parse, struct error *err);

/* Prints "PROGRAM: TEXT" to standard error, made harmless, and returns the exit status of the error's kind. */
int cli_fail_as(const char *program, const struct error *error);
int cli_fail(const struct error *error); /* as lazaret */

/* The exit status of the whole: a success whose output got lost (a full disk, a closed descriptor) is none. */
int cli_finish(const char *program, int status);

#endif
