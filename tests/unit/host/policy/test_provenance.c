/* SPDX-License-Identifier: Apache-2.0 */
/* `provenance:` in a policy. */
#include "host/policy/policy.h"
#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <stdio.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"

static int parse(const char *section, struct policy *ret_policy, struct error *err)
{
    char text[2048];

    (void)snprintf(text, sizeof text, "tier: low\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n%s",
                   section);
    return policy_parse(text, strlen(text), "policy.yaml", ret_policy, err);
}

void test_provenance_section(void)
{
    static struct policy policy;

    CU_ASSERT_EQUAL_FATAL(parse("", &policy, NULL), 0);
    CU_ASSERT(!policy.provenance.required && !policy.provenance.checksums && !policy.provenance.source);
    CU_ASSERT_EQUAL_FATAL(parse("provenance: {required: true}", &policy, NULL), 0);
    CU_ASSERT(policy.provenance.required && !policy.provenance.checksums && policy.provenance.authorities[0] == '\0');
    CU_ASSERT_EQUAL_FATAL(parse("provenance: {required: false, checksums: true, source: true,\n"
                                "  identities: [a@example.org, 'CN=b,O=c'],\n"
                                "  certificateAuthorities: [\"" BEGIN "1\\n\", \"" BEGIN "2\"]}",
                                &policy, NULL),
                          0);
    CU_ASSERT(!policy.provenance.required && policy.provenance.checksums && policy.provenance.source);
    CU_ASSERT_EQUAL(policy.provenance.identity_count, 2);
    CU_ASSERT_STRING_EQUAL(policy.provenance.identities[1], "CN=b,O=c");
    CU_ASSERT_STRING_EQUAL(policy.provenance.authorities, BEGIN "1\n\n" BEGIN "2\n");
}

void test_provenance_refused(void)
{
    static const char *const sections[] = {
        "provenance: {}",
        "provenance: {required: yes please}",
        "provenance: {required: true, unknown: 1}",
        "provenance: {required: true, identities: [a]}",
        "provenance: {required: true, certificateAuthorities: [\"" BEGIN "\"]}",
        "provenance: {required: true, identities: [a], certificateAuthorities: [text]}",
        "provenance: {required: true, identities: [], certificateAuthorities: []}",
        "provenance: {required: true, identities: [\"a\\u001b\"], certificateAuthorities: [\"" BEGIN "\"]}",
        "provenance: [true]",
    };
    static struct policy policy;

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct error err = {0};

        CU_ASSERT(parse(sections[i], &policy, &err) < 0 && err.kind == ERROR_BAD_INPUT);
    }
}
