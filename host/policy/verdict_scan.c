/* SPDX-License-Identifier: Apache-2.0 */
/* The scan under a policy: dangerous fails, what is not known to be harmless or was not looked at wants a review. */
#include "host/json/field.h"
#include "host/policy/judge.h"

#include <inttypes.h>
#include <string.h>

static const char *const verdicts[] = {"allowed", "unknown", "unscanned", "dangerous", NULL};
static const enum check_status statuses[] = {CHECK_PASSED, CHECK_WARNED, CHECK_WARNED, CHECK_FAILED};

#define VERDICT_DANGEROUS 3u
#define VERDICT_UNSCANNED 2u

/* How much a severity says for a verdict: 0 nothing. */
static unsigned weigh(const char *severity, unsigned verdict)
{
    if (verdict == VERDICT_DANGEROUS)
        return strcmp(severity, "critical") == 0 ? 2 : strcmp(severity, "high") == 0;
    return strcmp(severity, "medium") == 0;
}

/* The first of the worst findings that the verdict rests on. */
static int find_reason(const json_t *findings, unsigned verdict, const json_t **ret_finding, struct error *err)
{
    unsigned worst = 0;

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *severity;
        int r = field_string(finding, "scan finding", "severity", STATEMENT_WORD_MAX, &severity, err);

        if (r < 0)
            return r;
        if (weigh(severity, verdict) > worst) {
            worst = weigh(severity, verdict);
            *ret_finding = finding;
        }
    }
    return 0;
}

static int judge_file(const json_t *file, struct judgement *judgement, struct error *err)
{
    const json_t *findings, *finding = NULL;
    const char *rule = "", *detail;
    unsigned verdict;
    int64_t offset = 0;
    int r = field_choice(file, "scan file", "verdict", verdicts, &verdict, err);

    if (r == 0)
        r = judge_read_list(file, "scan file", "findings", &findings, err);
    if (r == 0)
        r = find_reason(findings, verdict, &finding, err);
    if (r < 0 || statuses[verdict] == CHECK_PASSED)
        return r;
    if (finding == NULL) {
        judge_conclude(judgement, statuses[verdict], "the model's file is %s%s", verdicts[verdict],
                       verdict == VERDICT_UNSCANNED ? ": not all of it could be looked at" : "");
        return 0;
    }
    r = field_string(finding, "scan finding", "rule", STATEMENT_WORD_MAX, &rule, err);
    if (r == 0)
        r = field_integer(finding, "scan finding", "offset", 0, INT64_MAX, &offset, err);
    detail = json_string_value(json_object_get(finding, "detail"));
    if (r == 0)
        judge_conclude(judgement, statuses[verdict], "the model's file is %s: %s at byte %" PRId64 ": %s",
                       verdicts[verdict], rule, offset, detail != NULL ? detail : "");
    return r;
}

int judge_scan(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    const json_t *files;
    int r = judge_read_list(check, "scan", "files", &files, err);

    (void)policy;
    if (r == 0 && json_array_size(files) == 0)
        judge_conclude(judgement, CHECK_WARNED, "no file was looked at");
    for (size_t i = 0; r == 0 && i < json_array_size(files); i++)
        r = judge_file(json_array_get(files, i), judgement, err);
    return r;
}
