/* SPDX-License-Identifier: Apache-2.0 */
/* A subcommand's options from one table. */
#include "host/cli/options.h"

#include "host/attest/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN   28
#define HELP_WIDTH    110
#define HELP_TEXT_MAX 512

/* --- help ------------------------------------------------------------------------------------------ */

static void print_choices(const struct cli_option *option)
{
    for (size_t i = 0; option->choices[i] != NULL; i++)
        (void)printf("%s%s", i > 0 ? "|" : "", option->choices[i]);
}

/* Text from HELP_COLUMN on, broken between words. */
static void print_wrapped(const char *text)
{
    int column = HELP_COLUMN;

    for (const char *word = text; *word != '\0';) {
        int size = (int)strcspn(word, " ");

        if (word != text && column + 1 + size > HELP_WIDTH)
            column = printf("\n%*s", HELP_COLUMN, "") - 1;
        else if (word != text)
            column += printf(" ");
        column += printf("%.*s", size, word);
        word += size + (word[size] == ' ');
    }
    (void)printf("\n");
}

static void print_text(const struct cli_option *option)
{
    char text[HELP_TEXT_MAX];

    if (option->needs == NULL) {
        print_wrapped(option->help);
        return;
    }
    (void)snprintf(text, sizeof text, "with --%s: %s", option->needs, option->help);
    print_wrapped(text);
}

static void print_option(const struct cli_option *option)
{
    int column = printf("  %s%s", strlen(option->name) == 1 ? "-" : "--", option->name);

    if (option->kind == CLI_CHOICE) {
        (void)printf(" ");
        print_choices(option);
        column = 100;
    } else if (option->argument != NULL)
        column += printf(" %s", option->argument);
    if (column > HELP_COLUMN - 2)
        (void)printf("\n%*s", HELP_COLUMN, "");
    else
        (void)printf("%*s", HELP_COLUMN - column, "");
    print_text(option);
}

static void print_help(const struct cli_command *command)
{
    (void)printf("usage: %s\n\n%s\n", command->usage, command->purpose);
    if (command->option_count > 0)
        (void)printf("\noptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
}

/* --- parsing ---------------------------------------------------------------------------------------- */

static const struct cli_option *find_option(const struct cli_command *command, const char *name, size_t size)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == size && memcmp(command->options[i].name, name, size) == 0)
            return &command->options[i];
    return NULL;
}

static int parse_number(const struct cli_option *option, const char *text, struct error *err)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < option->minimum ||
        value > option->maximum)
        return error_set(err, ERROR_USAGE, -EINVAL, "--%s takes a whole number from %llu to %llu, not \"%s\"",
                         option->name, (unsigned long long)option->minimum, (unsigned long long)option->maximum, text);
    *(uint64_t *)option->value = value;
    return 0;
}

static int parse_choice(const struct cli_option *option, const char *text, struct error *err)
{
    char choices[256] = "";

    for (unsigned i = 0; option->choices[i] != NULL; i++) {
        size_t used = strlen(choices);

        if (strcmp(option->choices[i], text) == 0) {
            *(unsigned *)option->value = i;
            return 0;
        }
        (void)snprintf(choices + used, sizeof choices - used, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
    return error_set(err, ERROR_USAGE, -EINVAL, "--%s takes one of %s, not \"%s\"", option->name, choices, text);
}

static int set_value(const struct cli_option *option, const char *text, struct error *err)
{
    switch (option->kind) {
    case CLI_TEXT:
        /* What a script's unset variable leaves; nothing takes an empty text. */
        if (text[0] == '\0')
            return error_set(err, ERROR_USAGE, -EINVAL, "%s%s takes %s, not an empty text",
                             strlen(option->name) == 1 ? "-" : "--", option->name, option->argument);
        *(const char **)option->value = text;
        return 0;
    case CLI_FLAG:
        *(bool *)option->value = true;
        return 0;
    case CLI_NUMBER:
        return parse_number(option, text, err);
    case CLI_CHOICE:
        break;
    }
    return parse_choice(option, text, err);
}

/* A second value would silently take the first one's place: two keys, and only one asked for. */
static int mark_given(const struct cli_command *command, const struct cli_option *option, bool given[CLI_OPTIONS_MAX],
                      const char *argument, struct error *err)
{
    size_t index = (size_t)(option - command->options);

    if (index >= CLI_OPTIONS_MAX)
        return error_set(err, ERROR_INTERNAL, -E2BIG, "more than %u options", CLI_OPTIONS_MAX);
    if (given[index] && option->kind != CLI_FLAG)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: is there twice; once expected", argument);
    given[index] = true;
    return 0;
}

/* An option that does nothing alone is a mistake. */
static int check_needs(const struct cli_command *command, const bool given[CLI_OPTIONS_MAX], struct error *err)
{
    for (size_t i = 0; i < command->option_count && i < CLI_OPTIONS_MAX; i++) {
        const char *needs = given[i] ? command->options[i].needs : NULL;
        const struct cli_option *flag = needs != NULL ? find_option(command, needs, strlen(needs)) : NULL;

        if (needs != NULL && (flag == NULL || !given[flag - command->options]))
            return error_set(err, ERROR_USAGE, -EINVAL, "--%s: is an option of --%s, which is missing; see --help",
                             command->options[i].name, needs);
    }
    return 0;
}

/* One argument that begins with "-"; returns how many arguments it took. */
static int parse_option(const struct cli_command *command, int left, char **argv, bool given[CLI_OPTIONS_MAX],
                        struct error *err)
{
    const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1), *equals = strchr(name, '=');
    const struct cli_option *option =
        find_option(command, name, equals != NULL ? (size_t)(equals - name) : strlen(name));
    int r;

    if (option == NULL || (strlen(option->name) == 1) == (argv[0][1] == '-'))
        return error_set(err, ERROR_USAGE, -EINVAL, "there is no option %s; see --help", argv[0]);
    r = mark_given(command, option, given, argv[0], err);
    if (r < 0)
        return r;
    if (option->kind == CLI_FLAG) {
        if (equals != NULL)
            return error_set(err, ERROR_USAGE, -EINVAL, "--%s takes no value", option->name);
        r = set_value(option, NULL, err);
        return r < 0 ? r : 1;
    }
    if (equals == NULL && left < 2)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s needs a value", argv[0]);
    r = set_value(option, equals != NULL ? equals + 1 : argv[1], err);
    if (r < 0)
        return r;
    return equals != NULL ? 1 : 2;
}

int cli_options_parse(const struct cli_command *command, int argc, char **argv,
                      const char *ret_operands[CLI_OPERANDS_MAX], unsigned *ret_operand_count,
                      enum cli_parse *ret_parse, struct error *err)
{
    bool options_end = false, given[CLI_OPTIONS_MAX] = {false};
    unsigned operands = 0;

    for (int i = 1; i < argc;) {
        if (!options_end && strcmp(argv[i], "--help") == 0) {
            print_help(command);
            *ret_parse = CLI_HELP_SHOWN;
            return 0;
        }
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
            i++;
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            int taken = parse_option(command, argc - i, argv + i, given, err);

            if (taken < 0)
                return taken;
            i += taken;
        } else {
            if (operands == command->operands_max)
                return error_set(err, ERROR_USAGE, -EINVAL, "there is no place for \"%s\"; usage: %s", argv[i],
                                 command->usage);
            if (argv[i][0] == '\0')
                return error_set(err, ERROR_USAGE, -EINVAL, "an empty argument; usage: %s", command->usage);
            ret_operands[operands++] = argv[i++];
        }
    }
    if (operands < command->operands_min)
        return error_set(err, ERROR_USAGE, -EINVAL, "something is missing; usage: %s", command->usage);
    *ret_operand_count = operands;
    *ret_parse = CLI_PARSED;
    return check_needs(command, given, err);
}

int cli_fail_as(const char *program, const struct error *error)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(4 * ERROR_TEXT_MAX + 1);

    /* Names and contents of files are in it. */
    if (text_escape(error->text, 4 * ERROR_TEXT_MAX, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        (void)fprintf(stderr, "%s: %s\n", program, (const char *)shown.data);
    return error_exit_status(error->kind);
}

int cli_fail(const struct error *error)
{
    return cli_fail_as("lazaret", error);
}

int cli_finish(const char *program, int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    (void)fprintf(stderr, "%s: standard output can't be written\n", program);
    return status == 0 ? error_exit_status(ERROR_UNAVAILABLE) : status;
}
