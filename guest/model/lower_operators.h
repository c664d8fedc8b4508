/* SPDX-License-Identifier: Apache-2.0 */
/* One function an operator: the node at hand into the graph; sets lower->result. Internal to the importer. */
#ifndef LAZARET_GUEST_MODEL_LOWER_OPERATORS_H
#define LAZARET_GUEST_MODEL_LOWER_OPERATORS_H

struct lower;

int lower_add(struct lower *lower);
int lower_arg_max(struct lower *lower);
int lower_arg_min(struct lower *lower);
int lower_average_pool(struct lower *lower);
int lower_batch_norm(struct lower *lower);
int lower_bit_shift(struct lower *lower);
int lower_cast(struct lower *lower);
int lower_cast_like(struct lower *lower);
int lower_celu(struct lower *lower);
int lower_clip(struct lower *lower);
int lower_comparison(struct lower *lower);
int lower_concat(struct lower *lower);
int lower_constant(struct lower *lower);
int lower_constant_of_shape(struct lower *lower);
int lower_conv(struct lower *lower);
int lower_conv_transpose(struct lower *lower);
int lower_cum_sum(struct lower *lower);
int lower_div(struct lower *lower);
int lower_dropout(struct lower *lower);
int lower_elu(struct lower *lower);
int lower_erf(struct lower *lower);
int lower_eye_like(struct lower *lower);
int lower_flatten(struct lower *lower);
int lower_function_node(struct lower *lower);
int lower_gather(struct lower *lower);
int lower_gemm(struct lower *lower);
int lower_global_average_pool(struct lower *lower);
int lower_global_lp_pool(struct lower *lower);
int lower_global_max_pool(struct lower *lower);
int lower_hard_sigmoid(struct lower *lower);
int lower_hardmax(struct lower *lower);
int lower_identity(struct lower *lower);
int lower_instance_norm(struct lower *lower);
int lower_is_inf(struct lower *lower);
int lower_layer_norm(struct lower *lower);
int lower_leaky_relu(struct lower *lower);
int lower_log_softmax(struct lower *lower);
int lower_lp_normalization(struct lower *lower);
int lower_lrn(struct lower *lower);
int lower_matmul(struct lower *lower);
int lower_max_pool(struct lower *lower);
int lower_mean_variance(struct lower *lower);
int lower_mod(struct lower *lower);
int lower_mul(struct lower *lower);
int lower_non_zero(struct lower *lower);
int lower_one_hot(struct lower *lower);
int lower_pad(struct lower *lower);
int lower_pow(struct lower *lower);
int lower_prelu(struct lower *lower);
int lower_range(struct lower *lower);
int lower_reduce(struct lower *lower);
int lower_relu(struct lower *lower);
int lower_reshape_node(struct lower *lower);
int lower_selu(struct lower *lower);
int lower_shape(struct lower *lower);
int lower_shrink(struct lower *lower);
int lower_sigmoid(struct lower *lower);
int lower_size(struct lower *lower);
int lower_slice(struct lower *lower);
int lower_softmax(struct lower *lower);
int lower_squeeze(struct lower *lower);
int lower_sub(struct lower *lower);
int lower_tanh(struct lower *lower);
int lower_thresholded_relu(struct lower *lower);
int lower_top_k(struct lower *lower);
int lower_transpose(struct lower *lower);
int lower_unsqueeze(struct lower *lower);
int lower_variadic(struct lower *lower);
int lower_where(struct lower *lower);

#endif
