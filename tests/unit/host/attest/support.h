/* SPDX-License-Identifier: Apache-2.0 */
/* A statement's input that is right in every field, for tests to break. */
#ifndef LAZARET_TESTS_UNIT_HOST_ATTEST_SUPPORT_H
#define LAZARET_TESTS_UNIT_HOST_ATTEST_SUPPORT_H

#include "host/attest/statement.h"

static const struct statement_resource support_subjects[] = {{"clean.onnx", {0x11}}};
static const struct statement_resource support_configuration[] = {
    {"policy.yaml", {0x21}}, {"spec.yaml", {0x22}}, {"plan.json", {0x23}}, {"test", {0x24}}, {"agent", {0x25}}};
static const struct statement_resource support_documents[] = {{"evaluation.json", {0x31}}, {"execution.json", {0x32}}};
static const struct statement_check_entry support_checks[] = {
    {"clean-accuracy", CHECK_PASSED, "host-scored"},
    {"fgsm", CHECK_PASSED, "host-scored"},
    {"activation-clustering", CHECK_SKIPPED, "host"},
};
static const char *const support_verified[] = {"model-digest", "labels"};
static const char *const support_said[] = {"predictions"};

static inline struct statement_input support_input(void)
{
    return (struct statement_input){
        .subjects = support_subjects,
        .subject_count = 1,
        .configuration = support_configuration,
        .configuration_count = 5,
        .documents = support_documents,
        .document_count = 2,
        .outcome = OUTCOME_PASSED,
        .tier = "low",
        .checks = support_checks,
        .check_count = 3,
        .isolation = STATEMENT_MICROVM,
        .acceleration = STATEMENT_TCG,
        .host_verified = support_verified,
        .host_verified_count = 2,
        .guest_said = support_said,
        .guest_said_count = 1,
        .job = "0123456789abcdef",
        .finished_at = 1735689599,
    };
}

#endif
