/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: nothing is taken silently that its writer can't have meant. */
#include "host/cli/options.h"

#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *key;
    bool json;
    uint64_t count;
    unsigned choice;
    const char *operand;
    const char *depth; /* of --json */
};

/* Parses a line of words; 0, or the error's text in ret_text. */
static int parse(const char *words, struct values *ret_values, char ret_text[ERROR_TEXT_MAX])
{
    static char copy[256];
    static const char *const choices[] = {"auto", "kvm", NULL};
    struct values values = {NULL, false, 0, 0, NULL, NULL};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "PUB.pem", "a key", &values.key),
        CLI_OPTION_FLAG("json", "JSON", &values.json),
        CLI_OPTION_NUMBER("count", "N", "a number", &values.count, 1, 9),
        CLI_OPTION_CHOICE("accel", "how", &values.choice, choices),
        CLI_OPTION_TEXT_OF("json", "depth", "N", "how deep", &values.depth),
    };
    const struct cli_command command = {.usage = "test DIR",
                                        .purpose = "",
                                        .options = options,
                                        .option_count = 5,
                                        .operands_min = 1,
                                        .operands_max = 1};
    const char *operands[CLI_OPERANDS_MAX];
    char *argv[16] = {copy};
    enum cli_parse how;
    struct error err = {0};
    unsigned operand_count;
    int argc = 1, r;

    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) != NULL && argc < 16;)
        argv[argc++] = word;
    r = cli_options_parse(&command, argc, argv, operands, &operand_count, &how, &err);
    if (r < 0) {
        CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
        (void)snprintf(ret_text, ERROR_TEXT_MAX, "%s", err.text);
        return r;
    }
    values.operand = operands[0];
    *ret_values = values;
    return 0;
}

static void test_taken(void)
{
    struct values values;
    char text[ERROR_TEXT_MAX];

    CU_ASSERT_EQUAL_FATAL(parse("--key a --json --json --count=7 DIR --accel kvm", &values, text), 0);
    CU_ASSERT_STRING_EQUAL(values.key, "a");
    CU_ASSERT_STRING_EQUAL(values.operand, "DIR");
    CU_ASSERT_TRUE(values.json);
    CU_ASSERT_EQUAL(values.count, 7);
    CU_ASSERT_EQUAL(values.choice, 1);
    CU_ASSERT_EQUAL_FATAL(parse("--depth 1 DIR --json", &values, text), 0);
    CU_ASSERT_STRING_EQUAL(values.depth, "1");
    CU_ASSERT_EQUAL_FATAL(parse("-- --key", &values, text), 0);
    CU_ASSERT_STRING_EQUAL(values.operand, "--key");
}

static void test_refused(void)
{
    static const char *const cases[][2] = {
        {"--key a --key b DIR", "--key: is there twice"},
        {"--key=a --key=a DIR", "is there twice"},
        {"--count 1 --count 2 DIR", "--count: is there twice"},
        {"--accel kvm --accel auto DIR", "--accel: is there twice"},
        {"--key= DIR", "--key takes PUB.pem, not an empty text"},
        {"--key  DIR", "not an empty text"}, /* two spaces: an empty word */
        {"--key a ", "an empty argument"},
        {"--count 10 DIR", "from 1 to 9"},
        {"--count 0x1 DIR", "from 1 to 9"},
        {"--accel tcg DIR", "one of auto, kvm"},
        {"--json=1 DIR", "takes no value"},
        {"--keys a DIR", "no option --keys"},
        {"-key a DIR", "no option -key"},
        {"DIR --key", "needs a value"},
        {"DIR DIR", "no place for"},
        {"--json", "something is missing"},
        {"DIR --depth 1", "--depth: is an option of --json, which is missing"},
    };
    struct values values;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[ERROR_TEXT_MAX] = "";

        CU_ASSERT(parse(cases[i][0], &values, text) < 0);
        if (strstr(text, cases[i][1]) == NULL)
            (void)fprintf(stderr, "%s: %s\n", cases[i][0], text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, cases[i][1]));
    }
}

int main(void)
{
    static const struct harness_test tests[] = {{"taken", test_taken}, {"refused", test_refused}};

    return harness_run("host/cli/options", tests, HARNESS_COUNT(tests));
}
