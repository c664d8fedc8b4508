/* SPDX-License-Identifier: Apache-2.0 */
/* skops' schemas: what each loader makes of a dangerous, an unknown and an allowed name. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

#define NODE(module, name, loader, more)                                                                               \
    "{\"__class__\":\"" name "\",\"__module__\":\"" module "\",\"__loader__\":\"" loader "\"" more "}"
#define DICT(content) NODE("builtins", "dict", "DictNode", ",\"content\":{" content "}")
#define MODEL(content)                                                                                                 \
    NODE("sklearn.linear_model._logistic", "LogisticRegression", "ObjectNode", ",\"content\":" DICT(content))

struct example {
    const char *json;
    enum scan_verdict verdict;
    const char *rule;
};

static const struct example examples[] = {
    {NODE("os", "system", "FunctionNode", ",\"content\":\"system\""), SCAN_DANGEROUS, "skops-dangerous"},
    {MODEL("\"x\":" NODE("subprocess", "Popen", "ObjectNode", "")), SCAN_DANGEROUS, "skops-dangerous"},
    {MODEL("\"x\":" NODE("builtins", "eval", "TypeNode", "")), SCAN_DANGEROUS, "skops-dangerous"},
    {MODEL("\"x\":{\"__loader__\":\"FunctionNode\",\"__class__\":\"\\u0073ystem\",\"__module__\":\"\\u006fs\"}"),
     SCAN_DANGEROUS, "skops-dangerous"},
    /* As older versions write a function. */
    {MODEL("\"x\":" NODE("builtins", "function", "FunctionNode",
                         ",\"content\":{\"module_path\":\"os\",\"function\":\"system\"}")),
     SCAN_DANGEROUS, "skops-dangerous"},
    {NODE("functools", "partial", "PartialNode", ",\"content\":{\"func\":" NODE("os", "popen", "FunctionNode", "") "}"),
     SCAN_DANGEROUS, "skops-dangerous"},
    {NODE("operator", "methodcaller", "OperatorFuncNode", ""), SCAN_DANGEROUS, "skops-operator"},
    {NODE("operator", "attrgetter", "OperatorFuncNode", ""), SCAN_DANGEROUS, "skops-operator"},
    {NODE("builtins", "str", "OperatorFuncNode", ""), SCAN_DANGEROUS, "skops-operator"},
    {NODE("operator", "itemgetter", "OperatorFuncNode", ""), SCAN_UNKNOWN, "skops-unknown"},
    {MODEL("\"x\":" NODE("builtins", "method", "MethodNode", ",\"content\":{\"func\":\"__globals__\"}")),
     SCAN_DANGEROUS, "skops-method"},
    {"{\"__class__\":\"system\",\"__module__\":\"os\",\"__module__\":\"numpy\",\"__loader__\":\"FunctionNode\"}",
     SCAN_DANGEROUS, "skops-duplicate-key"},
    {"{\"__class__\":\"system\",\"__module__\":\"os\",\"__class__\":\"log1p\",\"__loader__\":\"FunctionNode\"}",
     SCAN_DANGEROUS, "skops-dangerous"},
    {MODEL("\"x\":\"__import__('os').system('true')\""), SCAN_DANGEROUS, "skops-code"},
    {MODEL("\"x\":" NODE("builtins", "type", "TypeNode",
                         ",\"content\":{\"__class__\":\"system\",\"__module__\":\"os\"}")),
     SCAN_DANGEROUS, "skops-dangerous"},
    {MODEL("\"x\":" NODE("builtins", "type", "TypeNode",
                         ",\"content\":{\"__class__\":\"float64\",\"__module__\":\"numpy\"}")),
     SCAN_ALLOWED, NULL},
    {MODEL("\"x\":" NODE("somewhere.utils", "run_it", "ListNode", ",\"content\":[]")), SCAN_DANGEROUS, "skops-call"},
    {MODEL("\"x\":" NODE("somewhere", "Pair", "TupleNode", ",\"content\":[]")), SCAN_UNKNOWN, "skops-unknown"},
    {MODEL("\"x\":" NODE("__main__", "MyTransformer", "ObjectNode", "")), SCAN_UNKNOWN, "skops-unknown"},
    /* Damaged behind the finding; damaged, and nothing found. */
    {"{\"__loader__\":\"DictNode\",\"a\":[" NODE("os", "system", "FunctionNode", "") ",", SCAN_DANGEROUS,
     "skops-dangerous"},
    {"{\"__loader__\":\"DictNode\",\"a\":[", SCAN_UNSCANNED, NULL},
    {MODEL(
         "\"coef_\":" NODE("numpy", "ndarray", "NdArrayNode", ",\"type\":\"numpy\",\"file\":\"1.npy\"") ",\"f\":" NODE(
             "numpy", "log1p", "FunctionNode",
             "") ",\"u\":" NODE("numpy", "ufunc", "FunctionNode",
                                ",\"content\":{\"module_path\":\"numpy\",\"function\":"
                                "\"log1p\"}") ",\"t\":" NODE("numpy", "float64", "TypeNode", "")),
     SCAN_ALLOWED, NULL},
};

static void schemas_are_judged(void)
{
    for (size_t i = 0; i < HARNESS_COUNT(examples); i++) {
        struct scanned scanned;

        scanned_run(examples[i].json, strlen(examples[i].json), &scanned);
        if (!scanned_is(&scanned, examples[i].verdict, examples[i].rule)) {
            fprintf(stderr, "of %s\n", examples[i].json);
            CU_FAIL("another verdict");
        }
        CU_ASSERT_STRING_EQUAL(scanned.summary.format, "skops");
    }
}

static void other_json_is_no_schema(void)
{
    static const char text[] = "{\"a\":" NODE("os", "system", "FunctionNode", "") "}";
    struct scanned scanned;

    scanned_run(text, sizeof text - 1, &scanned);
    CU_ASSERT(strstr(scanned.summary.format, "skops") == NULL);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"nodes are judged by loader and name", schemas_are_judged},
        {"other JSON is no schema", other_json_is_no_schema},
    };

    return harness_run("skops", tests, HARNESS_COUNT(tests));
}
