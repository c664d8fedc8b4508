/* SPDX-License-Identifier: Apache-2.0 */
/* Where the model comes from, in a statement: what belongs together is demanded together. */
#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/attest/support.h"
#include "unit/host/attest/tests.h"

#include <string.h>

#define CONFIGURATION_MAX 12u

struct example {
    struct statement_input input;
    struct statement_resource configuration[CONFIGURATION_MAX];
    const char *words[4];
};

static void add_input(struct example *example, const char *name)
{
    example->configuration[example->input.configuration_count++] = (struct statement_resource){name, {0x41}};
}

static void add_word(struct example *example, const char *word)
{
    example->words[example->input.host_verified_count++] = word;
}

/* A right statement, to which a test adds. */
static void start(struct example *example)
{
    example->input = support_input();
    memcpy(example->configuration, support_configuration, sizeof support_configuration);
    example->input.configuration = example->configuration;
    memcpy(example->words, support_verified, sizeof support_verified);
    example->input.host_verified = example->words;
}

static int encode(const struct example *example, json_t **ret_statement)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    int r = statement_encode(&example->input, &bytes, NULL);

    return r < 0 ? r : statement_check(bytes.data, bytes.size, ret_statement, NULL);
}

static bool holds(const struct example *example)
{
    CLEANUP_JSON json_t *statement = NULL;

    return encode(example, &statement) == 0;
}

void test_statement_provenance(void)
{
    static const struct statement_provenance by_key = {.model = {1}, .files = 3};
    static const struct statement_provenance by_certificate = {.model = {1}, .files = 3, .identity = "a@example.org"};
    CLEANUP_JSON json_t *statement = NULL;
    struct example example;
    const json_t *member;

    start(&example);
    add_input(&example, STATEMENT_SIGNATURE); /* given, and not said to hold */
    CU_ASSERT(holds(&example));
    example.input.provenance = &by_key;
    CU_ASSERT(!holds(&example));
    add_word(&example, STATEMENT_WORD_PROVENANCE);
    CU_ASSERT(!holds(&example));
    add_input(&example, STATEMENT_TRUSTED_KEY);
    CU_ASSERT_FATAL(encode(&example, &statement) == 0);
    member = json_object_get(statement_get_extension(statement), "provenance");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(member, "method")), "key");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(member, "files")), 3);
    example.input.provenance = NULL; /* the word without what it stands for */
    CU_ASSERT(!holds(&example));
    example.input.provenance = &by_certificate;
    CU_ASSERT(!holds(&example));

    start(&example);
    add_input(&example, STATEMENT_SIGNATURE);
    add_input(&example, STATEMENT_TRUSTED_CA);
    add_input(&example, STATEMENT_SIGNING_CERTIFICATE);
    CU_ASSERT(!holds(&example)); /* who signed, although nothing was verified */
    add_word(&example, STATEMENT_WORD_PROVENANCE);
    example.input.provenance = &by_certificate;
    CU_ASSERT(holds(&example));
    example.input.provenance = &by_key;
    CU_ASSERT(!holds(&example));
}

void test_statement_source(void)
{
    struct example example;

    start(&example);
    example.input.source = "https://example.org/m.onnx";
    CU_ASSERT(holds(&example));
    example.input.source = "m.onnx";
    CU_ASSERT(!holds(&example));
    example.input.source = "https://u:secret@example.org/";
    CU_ASSERT(!holds(&example));
    start(&example);
    add_word(&example, STATEMENT_WORD_CHECKSUMS);
    CU_ASSERT(!holds(&example));
    add_input(&example, STATEMENT_CHECKSUMS);
    CU_ASSERT(holds(&example));
}
