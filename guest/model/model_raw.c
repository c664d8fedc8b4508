/* SPDX-License-Identifier: Apache-2.0 */
/* The importer without its contract, for tests of single operators. */
#include "guest/model/model_raw.h"

#include "guest/model/lower.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int bind_input(struct lower *lower, const struct model_raw_input *given, const struct onnx_input *input,
                      uint32_t *ret_value)
{
    struct onnx_tensor *tensor = arena_allocate(lower->arena, 1, sizeof *tensor);
    struct lower_value value = {.producer = GRAPH_NONE, .source = GRAPH_NONE, .constant = !given->computed};
    int r;

    if (tensor == NULL)
        return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    r = onnx_tensor_parse(given->tensor, given->size, tensor, lower->err);
    if (r < 0)
        return r;
    if (input->is_tensor && input->elem_type != tensor->type)
        return error_set(lower->err, ERROR_BAD_INPUT, -EINVAL, "input '%s' is of %s, and %s was given",
                         SPAN_TEXT(input->name), onnx_type_name(input->elem_type), onnx_type_name(tensor->type));
    value.name = input->name;
    value.type = onnx_type_is_float(tensor->type) ? ONNX_FLOAT : tensor->type;
    value.bound = lower_type_bound(value.type);
    if (given->computed && value.type != ONNX_FLOAT && value.bound == LOWER_EXACT_MAX)
        return error_set(lower->err, ERROR_UNAVAILABLE, -EOPNOTSUPP,
                         "input '%s' is of %s, of which f32 can't hold every number; only constants may be",
                         SPAN_TEXT(input->name), onnx_type_name(tensor->type));
    value.rank = tensor->rank;
    memcpy(value.dims, tensor->dims, sizeof value.dims);
    value.tensor = tensor;
    value.tensor_file = (struct span){given->tensor, given->size};
    r = lower_add_value(lower, &value, ret_value);
    if (r == 0)
        lower->map[input->value] = *ret_value;
    return r;
}

/* Binds the inputs that are not initializers to those given, in order. */
static int bind_inputs(struct lower *lower, const struct model_raw_input *inputs, uint32_t input_count,
                       uint32_t *ret_values)
{
    const struct model *model = lower->model;
    uint32_t bound = 0;

    for (uint32_t i = 0; i < model->input_count; i++) {
        int r;

        if (model->values[model->inputs[i].value].source == ONNX_FROM_INITIALIZER)
            continue;
        if (bound == input_count)
            return error_set(lower->err, ERROR_BAD_INPUT, -EINVAL, "the model has more than %u inputs", input_count);
        r = bind_input(lower, &inputs[bound], &model->inputs[i], &ret_values[bound]);
        if (r < 0)
            return r;
        bound++;
    }
    if (bound < input_count)
        return error_set(lower->err, ERROR_BAD_INPUT, -EINVAL, "%u inputs for a model of %u", input_count, bound);
    return 0;
}

static int raw_graph(struct lower *lower, const struct model *model, const struct model_raw_input *inputs,
                     uint32_t input_count, struct graph **ret_graph, uint32_t *ret_inputs, uint32_t *ret_outputs)
{
    uint32_t keep[MODEL_OUTPUTS_MAX * 2], kept[MODEL_OUTPUTS_MAX * 2];
    struct finish finish = {.batch = 1, .penultimate = GRAPH_NONE, .keep = keep, .ret_kept = kept};
    uint32_t at = 0, outputs[MODEL_OUTPUTS_MAX];
    int r = bind_inputs(lower, inputs, input_count, keep);

    for (uint32_t i = 0; i < model->output_count; i++)
        outputs[i] = model->outputs[i].value;
    if (r == 0)
        r = lower_nodes(lower, outputs, model->output_count);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < model->output_count; i++)
        keep[input_count + i] = lower->map[outputs[i]];
    finish.keep_count = input_count + model->output_count;
    finish.input = keep[0];
    for (uint32_t i = input_count; i > 0; i--)
        if (inputs[i - 1].computed)
            finish.input = keep[i - 1];
    finish.logits = keep[input_count];
    r = lower_finish(lower, &finish, ret_graph);
    if (r < 0)
        return r;
    for (; at < input_count; at++)
        ret_inputs[at] = inputs[at].computed ? kept[at] : GRAPH_NONE;
    for (; at < finish.keep_count; at++)
        ret_outputs[at - input_count] = kept[at];
    return 0;
}

int model_graph_raw(const struct model *model, const struct model_raw_input *inputs, uint32_t input_count,
                    struct graph **ret_graph, uint32_t *ret_inputs, uint32_t *ret_outputs, struct error *err)
{
    struct lower *lower;
    int r;

    if (input_count > MODEL_OUTPUTS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "%u inputs; the limit is %u", input_count, MODEL_OUTPUTS_MAX);
    lower = calloc(1, sizeof *lower);
    if (lower == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    r = lower_start(lower, model, err);
    if (r == 0)
        r = raw_graph(lower, model, inputs, input_count, ret_graph, ret_inputs, ret_outputs);
    lower_end(lower);
    return r;
}

int model_raw_tensor(const void *tensor, size_t size, uint32_t *ret_rank, uint64_t *ret_dims, float **ret_floats,
                     struct error *err)
{
    struct onnx_tensor parsed;
    CLEANUP_FREE int64_t *integers = NULL;
    CLEANUP_FREE float *floats = NULL;
    struct span file = {tensor, size};
    int r = onnx_tensor_parse(tensor, size, &parsed, err);

    if (r < 0)
        return r;
    floats = calloc(parsed.elements + 1, sizeof *floats);
    integers = calloc(parsed.elements + 1, sizeof *integers);
    if (floats == NULL || integers == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a tensor");
    if (onnx_type_is_float(parsed.type))
        r = onnx_tensor_floats(file, &parsed, floats, err);
    else
        r = onnx_tensor_integers(file, &parsed, integers, err);
    if (r < 0)
        return r;
    for (uint64_t i = 0; !onnx_type_is_float(parsed.type) && i < parsed.elements; i++)
        floats[i] = (float)integers[i];
    *ret_rank = parsed.rank;
    memcpy(ret_dims, parsed.dims, sizeof parsed.dims);
    *ret_floats = TAKE_POINTER(floats);
    return 0;
}

void model_raw_operator(const struct model *model, char ret_name[MODEL_RAW_OPERATOR_MAX])
{
    ret_name[0] = '\0';
    if (model->node_count == 1)
        (void)snprintf(ret_name, MODEL_RAW_OPERATOR_MAX, "%s", SPAN_TEXT(model->nodes[0].op));
}

uint32_t model_raw_output_count(const struct model *model)
{
    return model->output_count;
}
