/* SPDX-License-Identifier: Apache-2.0 */
/* Names: TensorFlow's operators, the words that say what others do, and paths. */
#include "unit/harness.h"

#include "guest/scan/names.h"
#include "guest/scan/tensorflow_known.h"
#include "guest/scan/tensorflow_ops.h"

#include <string.h>

static enum tensorflow_op op_of(const char *name)
{
    return tensorflow_op_of(name, strlen(name));
}

/* The table is searched by halves. */
static void test_order(void)
{
    for (size_t i = 1; i < tensorflow_known_count; i++)
        CU_ASSERT(strcmp(tensorflow_known[i - 1], tensorflow_known[i]) < 0);
    for (size_t i = 0; i < tensorflow_known_count; i++)
        CU_ASSERT_EQUAL(op_of(tensorflow_known[i]), TENSORFLOW_OP_COMPUTES);
}

static void test_operators(void)
{
    static const char *const computing[] = {
        "MatMul",
        "FusedBatchNormV3",
        "Conv2D",
        "MaxPoolGradGradV2",
        "ResourceApplyAdam",
        "StatelessRandomUniformV2",
        "QuantizedMatMul",
        "TPUExecute",
        "_FusedMatMul",
        "SentencepieceTokenizeOp",
        "DecodeJpeg",
        "AdjustContrastv2",
        "IteratorGetNext",
        "TensorListReserve",
        "PrintV2",
        "Assert",
        "Abs",
        "ZipDataset",
    };
    static const char *const unknown[] = {"RawOp_Custom", "MyLayer", "relu", "MatMulX", "V2", "", "Grad", "IO>Kafka"};

    for (size_t i = 0; i < HARNESS_COUNT(computing); i++)
        CU_ASSERT_EQUAL(op_of(computing[i]), TENSORFLOW_OP_COMPUTES);
    for (size_t i = 0; i < HARNESS_COUNT(unknown); i++)
        CU_ASSERT_EQUAL(op_of(unknown[i]), TENSORFLOW_OP_UNKNOWN);
    CU_ASSERT_EQUAL(op_of("EagerPyFunc"), TENSORFLOW_OP_PYTHON);
    CU_ASSERT_EQUAL(op_of("ReadFile"), TENSORFLOW_OP_READS);
    CU_ASSERT_EQUAL(op_of("TFRecordDatasetV2"), TENSORFLOW_OP_READS);
    CU_ASSERT_EQUAL(op_of("WriteFile"), TENSORFLOW_OP_WRITES);
    CU_ASSERT_EQUAL(op_of("DataServiceDatasetV4"), TENSORFLOW_OP_NETWORK);
    CU_ASSERT_EQUAL(op_of("DebugIdentityV3"), TENSORFLOW_OP_DEBUG);
    CU_ASSERT_EQUAL(op_of("SaveV2"), TENSORFLOW_OP_SAVE);
    CU_ASSERT_EQUAL(op_of("RestoreV2"), TENSORFLOW_OP_RESTORE);
    CU_ASSERT_EQUAL(op_of("MergeV2Checkpoints"), TENSORFLOW_OP_MERGE);
    CU_ASSERT_EQUAL(op_of("ShellExecute"), TENSORFLOW_OP_REACHING);
    CU_ASSERT_EQUAL(op_of("TensorExec"), TENSORFLOW_OP_REACHING); /* a family's name does not hide it */
    CU_ASSERT(tensorflow_op_is_own("MatMul", 6));
    CU_ASSERT(!tensorflow_op_is_own("TensorFoo", 9));
}

static void test_words(void)
{
    CU_ASSERT_STRING_EQUAL(names_operator_reaches("ShellExecute", 12), "shell");
    CU_ASSERT_STRING_EQUAL(names_operator_reaches("HTTPGet", 7), "http");
    CU_ASSERT_STRING_EQUAL(names_operator_reaches("my_exec2", 8), "exec");
    CU_ASSERT_STRING_EQUAL(names_operator_reaches("vendor::RunCmd", 14), "cmd");
    CU_ASSERT_STRING_EQUAL(names_operator_reaches("eval", 4), "eval");
    CU_ASSERT_PTR_NULL(names_operator_reaches("PreProcess", 10));
    CU_ASSERT_PTR_NULL(names_operator_reaches("Profile", 7));
    CU_ASSERT_PTR_NULL(names_operator_reaches("EXECUTOR", 8));
    CU_ASSERT_PTR_NULL(names_operator_reaches("", 0));
    CU_ASSERT_PTR_NULL(names_operator_reaches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaexec", 36));
}

static void test_urls(void)
{
    CU_ASSERT(names_is_url("file:///tmp/x", 13));
    CU_ASSERT(names_is_url("s3://b", 6));
    CU_ASSERT(names_is_url("grpc://h:1", 10));
    CU_ASSERT(!names_is_url("^s3://.*", 8));
    CU_ASSERT(!names_is_url("https?://", 9));
    CU_ASSERT(!names_is_url("://", 3));
    CU_ASSERT(!names_is_url("c:/x", 4));
    CU_ASSERT(!names_is_url("", 0));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the table of operators is in order", test_order},
        {"operators by what they do", test_operators},
        {"words in operators' names", test_words},
        {"URLs", test_urls},
    };

    return harness_run("scan-tensorflow-ops", tests, HARNESS_COUNT(tests));
}
