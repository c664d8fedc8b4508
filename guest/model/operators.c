/* SPDX-License-Identifier: Apache-2.0 */
/* The operators that can be imported: one table of names, arity and lowering. */
#include "guest/model/operators.h"

#include "guest/model/lower.h"

/* Arity over operator sets 7 to 17. */
static const struct operator_entry operators[] = {
    {"Add", 2, 2, false, lower_add},
    {"AveragePool", 1, 1, false, lower_average_pool},
    {"BatchNormalization", 5, 5, false, lower_batch_norm},
    {"Cast", 1, 1, false, lower_cast},
    {"Clip", 1, 3, false, lower_clip},
    {"Concat", 1, MODEL_NODE_INPUTS_MAX, false, lower_concat},
    {"Constant", 0, 0, false, lower_constant},
    {"Conv", 2, 3, false, lower_conv},
    {"ConvTranspose", 2, 3, false, lower_conv_transpose},
    {"Div", 2, 2, false, lower_div},
    {"Dropout", 1, 3, true, lower_dropout},
    {"Elu", 1, 1, false, lower_elu},
    {"Erf", 1, 1, false, lower_erf},
    {"Flatten", 1, 1, false, lower_flatten},
    {"Gather", 2, 2, false, lower_gather},
    {"Gemm", 2, 3, false, lower_gemm},
    {"GlobalAveragePool", 1, 1, false, lower_global_average_pool},
    {"HardSigmoid", 1, 1, false, lower_hard_sigmoid},
    {"Identity", 1, 1, false, lower_identity},
    {"LeakyRelu", 1, 1, false, lower_leaky_relu},
    {"LogSoftmax", 1, 1, false, lower_log_softmax},
    {"MatMul", 2, 2, false, lower_matmul},
    {"MaxPool", 1, 1, true, lower_max_pool},
    {"Mul", 2, 2, false, lower_mul},
    {"Pad", 1, 3, false, lower_pad},
    {"ReduceMean", 1, 1, false, lower_reduce_mean},
    {"Relu", 1, 1, false, lower_relu},
    {"Reshape", 2, 2, false, lower_reshape_node},
    {"Shape", 1, 1, false, lower_shape},
    {"Sigmoid", 1, 1, false, lower_sigmoid},
    {"Slice", 1, 5, false, lower_slice},
    {"Softmax", 1, 1, false, lower_softmax},
    {"Squeeze", 1, 2, false, lower_squeeze},
    {"Sub", 2, 2, false, lower_sub},
    {"Tanh", 1, 1, false, lower_tanh},
    {"Transpose", 1, 1, false, lower_transpose},
    {"Unsqueeze", 1, 2, false, lower_unsqueeze},
};

const struct operator_entry *operator_find(struct span name)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (span_equal(name, operators[i].name))
            return &operators[i];
    return NULL;
}
