/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow's models as text: every form in which the format writes the same field. */
#include "unit/harness.h"

#include "unit/guest/scan/scanned.h"

static bool text_is(const char *text, enum scan_verdict verdict, const char *rule)
{
    struct scanned scanned;

    scanned_run(text, strlen(text), &scanned);
    return scanned_is(&scanned, verdict, rule);
}

static void test_forms(void)
{
    static const char *const forms[] = {
        "node { name: \"w\" op: \"WriteFile\" }",
        "node{name:'w'op:'WriteFile'}",
        "node < name: \"w\" op: \"WriteFile\" >",
        "node: { name: \"w\", op: \"WriteFile\"; }",
        "node: [ { name: \"a\" op: \"NoOp\" }, { name: \"w\" op: \"WriteFile\" } ]",
        "node { name: \"w\" op: \"Write\" \"File\" }",
        "node { name: \"w\" op: \"\\x57rite\\106ile\" }",
        "node { name: \"w\" op: \"\\u0057riteFile\" }",
        "# WriteFile\nnode { # x }\n name: \"w\" op: \"WriteFile\" }",
        "version: 21 node { op: \"WriteFile\" name: \"w\" }",
        "versions { producer: 1 } node { op: \"WriteFile\" name: \"w\" }",
        "library { function { signature { name: \"f\" } node_def { op: \"WriteFile\" name: \"w\" } } }",
        "saved_model_schema_version: 1 meta_graphs { graph_def { node { name: \"w\" op: \"WriteFile\" } } }",
        "meta_info_def { tags: \"serve\" } graph_def { node { name: \"w\" op: \"WriteFile\" } }",
        "node { [a.b.c]: 1 unknown { op: \"x\" } name: \"w\" op: \"WriteFile\" }",
        /* A graph in a string. */
        ("node { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_STRING "
         "string_val: \"\\n\\016\\n\\001w\\022\\tWriteFile\" } } } }"),
    };

    for (size_t i = 0; i < HARNESS_COUNT(forms); i++)
        CU_ASSERT(text_is(forms[i], SCAN_DANGEROUS, "tensorflow-file"));
}

static void test_ordinary(void)
{
    CU_ASSERT(text_is("node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } "
                      "attr { key: \"shape\" value { shape { dim { size: -1 } dim { size: 4 } } } } }\n"
                      "node { name: \"y\" op: \"Relu\" input: \"x\" }\nversions { producer: 22 }\n",
                      SCAN_ALLOWED, NULL));
    CU_ASSERT(text_is("node { name: \"WriteFile\" op: \"NoOp\" }", SCAN_ALLOWED, NULL));
    /* Texts of other kinds that begin alike are none of these. */
    CU_ASSERT(text_is("node: x\nop: WriteFile\n", SCAN_ALLOWED, NULL));
    CU_ASSERT(text_is("library: \"WriteFile\"\n", SCAN_ALLOWED, NULL));
}

static void test_content(void)
{
    CU_ASSERT(text_is("node { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT "
                      "tensor_content: \"\\000\\000\\200?\" } } } }",
                      SCAN_ALLOWED, NULL));
    CU_ASSERT(text_is("node { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_STRING "
                      "tensor_content: \"\\003abc\" } } } }",
                      SCAN_UNSCANNED, NULL));
    CU_ASSERT(text_is("node { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { "
                      "tensor_content: \"\\003abc\" dtype: 7 } } } }",
                      SCAN_UNSCANNED, NULL));
}

static void test_broken(void)
{
    CU_ASSERT(text_is("node { name: \"a\" op: \"NoOp\"", SCAN_UNSCANNED, NULL));
    CU_ASSERT(text_is("node { name: \"a\" op: \"NoOp\" } }", SCAN_UNSCANNED, NULL));
    CU_ASSERT(text_is("node { name: \"a\" op: \"NoOp } ", SCAN_UNSCANNED, "tensorflow-unknown-operator"));
    CU_ASSERT(text_is("node { name: \"a\" op: \"WriteFile\" } node { name: (", SCAN_DANGEROUS, "tensorflow-file"));
}

static void test_depth(void)
{
    char text[4096] = "node { attr { value {";
    size_t used = strlen(text);

    for (unsigned i = 0; i < 200; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "func { attr {");
    CU_ASSERT(text_is(text, SCAN_UNSCANNED, NULL));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"each form of a field", test_forms},       {"ordinary graphs, and other texts", test_ordinary},
        {"tensors' content", test_content},         {"broken texts", test_broken},
        {"messages within each other", test_depth},
    };

    return harness_run("scan-tensorflow-text", tests, HARNESS_COUNT(tests));
}
