/* SPDX-License-Identifier: Apache-2.0 */
/* A model: opened, matched with the input contract, made a graph for a batch. */
#include "guest/model/model.h"

#include "guest/model/lower.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void model_free(struct model *model)
{
    if (model == NULL)
        return;
    free(model->nodes);
    free(model->edges);
    free(model->initializers);
    free(model->inputs);
    free(model->outputs);
    free(model->values);
    free(model->order);
    free(model);
}

int model_open(const void *data, size_t size, struct model **ret_model, struct error *err)
{
    struct model *model = calloc(1, sizeof *model);
    int r;

    if (model == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to open the model");
    model->data = data;
    model->size = size;
    r = onnx_file_read(model, err);
    if (r == 0)
        r = onnx_check(model, err);
    if (r < 0) {
        model_free(model);
        return r;
    }
    *ret_model = model;
    return 0;
}

/* --- the contract -------------------------------------------------------------------------------- */

struct names { /* a list of names for a message */
    char text[512];
    size_t at;
};

static void names_add(struct names *names, struct span name)
{
    if (names->at >= sizeof names->text)
        return;
    names->at += (size_t)snprintf(names->text + names->at, sizeof names->text - names->at, "%s'%s'",
                                  names->at > 0 ? ", " : "", SPAN_TEXT(name));
}

static bool is_initializer(const struct model *model, const struct onnx_input *input)
{
    return model->values[input->value].source == ONNX_FROM_INITIALIZER;
}

/* The input that the contract means. */
static int choose_input(const struct model *model, const struct model_contract *contract,
                        const struct onnx_input **ret_input, struct error *err)
{
    const struct onnx_input *chosen = NULL;
    struct names names = {{0}, 0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct onnx_input *input = &model->inputs[i];

        if (is_initializer(model, input))
            continue;
        count++;
        names_add(&names, input->name);
        if (contract->input[0] == '\0' || span_equal(input->name, contract->input))
            chosen = input;
    }
    if (count == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model has no input");
    if (chosen == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model has no input '%s'; it has %s",
                         PRINTABLE(contract->input, strlen(contract->input)), names.text);
    if (count > 1)
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP, "the model takes %u inputs (%s); one is supported", count,
                         names.text);
    *ret_input = chosen;
    return 0;
}

/* Of integers or texts, as classical models give the predicted label beside the scores. */
static bool is_label(const struct onnx_input *output)
{
    return output->is_tensor && (onnx_type_is_integer(output->elem_type) || output->elem_type == ONNX_STRING);
}

static int choose_output(const struct model *model, const struct model_contract *contract,
                         const struct onnx_input **ret_output, struct error *err)
{
    const struct onnx_input *named = NULL, *only = NULL;
    struct names names = {{0}, 0};
    uint32_t scores = 0;

    for (uint32_t i = 0; i < model->output_count; i++) {
        const struct onnx_input *output = &model->outputs[i];

        names_add(&names, output->name);
        if (contract->output[0] != '\0' && span_equal(output->name, contract->output))
            named = output;
        if (!is_label(output)) {
            only = output;
            scores++;
        }
    }
    if (named != NULL && is_label(named))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "the output '%s' holds labels; name the one with a score for "
                         "each class; there are %s",
                         SPAN_TEXT(named->name), names.text);
    if (named != NULL || (contract->output[0] == '\0' && scores == 1)) {
        *ret_output = named != NULL ? named : only;
        return 0;
    }
    if (contract->output[0] == '\0' && scores == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model has no output with a score for each class: %s",
                         names.text);
    if (contract->output[0] == '\0')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "the model has %u outputs (%s); the input contract must name one", model->output_count,
                         names.text);
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model has no output '%s'; it has %s",
                     PRINTABLE(contract->output, strlen(contract->output)), names.text);
}

uint32_t model_fixed_batch(const struct model *model, const struct model_contract *contract)
{
    const struct onnx_input *input;

    if (choose_input(model, contract, &input, NULL) < 0 || !input->has_shape || input->rank == 0 ||
        input->dims[0] <= 0 || input->dims[0] > MODEL_BATCH_MAX)
        return 0;
    return (uint32_t)input->dims[0];
}

/* The model's own shape of a sample, "?" where it leaves one open. */
static const char *wanted_text(const struct onnx_input *input, char *text, size_t size)
{
    size_t at = 0;

    (void)snprintf(text, size, "a scalar");
    for (uint32_t i = 1; i < input->rank; i++)
        if (input->dims[i] < 0)
            at += (size_t)snprintf(text + at, size - at, "%s?", i > 1 ? "x" : "");
        else
            at += (size_t)snprintf(text + at, size - at, "%s%lld", i > 1 ? "x" : "", (long long)input->dims[i]);
    return text;
}

static int match_input(const struct onnx_input *input, const struct model_contract *contract, uint32_t batch,
                       struct error *err)
{
    char wanted[200];
    bool fits = input->rank == contract->sample_rank + 1;

    if (!input->is_tensor || !onnx_type_is_float(input->elem_type))
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP, "the input '%s' is of %s; only floats are supported",
                         SPAN_TEXT(input->name),
                         input->is_tensor ? onnx_type_name(input->elem_type) : "no tensor type");
    if (!input->has_shape)
        return 0;
    for (uint32_t i = 0; fits && i < contract->sample_rank; i++)
        fits = input->dims[i + 1] < 0 || (uint64_t)input->dims[i + 1] == contract->sample_dims[i];
    if (!fits)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "input '%s': the model wants %s, the data set has %s",
                         SPAN_TEXT(input->name),
                         input->rank == 0 ? "a value without a batch" : wanted_text(input, wanted, sizeof wanted),
                         DIMS_TEXT(contract->sample_rank, contract->sample_dims));
    if (input->dims[0] >= 0 && (uint64_t)input->dims[0] != batch)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "input '%s': the model is made for a batch of %lld, not of %u",
                         SPAN_TEXT(input->name), (long long)input->dims[0], batch);
    return 0;
}

static int add_input(struct lower *lower, const struct onnx_input *input, const struct model_contract *contract,
                     uint32_t batch, uint32_t *ret_value)
{
    struct lower_value value = {.name = input->name,
                                .type = ONNX_FLOAT,
                                .rank = contract->sample_rank + 1,
                                .producer = GRAPH_NONE,
                                .source = GRAPH_NONE};
    int r;

    value.dims[0] = batch;
    memcpy(value.dims + 1, contract->sample_dims, contract->sample_rank * sizeof *value.dims);
    r = lower_add_value(lower, &value, ret_value);
    if (r == 0)
        lower->map[input->value] = *ret_value;
    return r;
}

/* All that model_graph and model_measure share. */
static int prepare(struct lower *lower, const struct model *model, const struct model_contract *contract,
                   uint32_t batch, struct finish *ret_finish, struct error *err)
{
    struct finish finish = {.batch = batch, .penultimate = GRAPH_NONE};
    const struct onnx_input *input, *output;
    int r;

    if (batch == 0 || batch > MODEL_BATCH_MAX || contract->sample_rank >= GRAPH_RANK_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "a batch of %u samples of %u dimensions; up to %u and %u",
                         batch, contract->sample_rank, MODEL_BATCH_MAX, GRAPH_RANK_MAX - 1);
    r = choose_input(model, contract, &input, err);
    if (r == 0)
        r = choose_output(model, contract, &output, err);
    if (r == 0)
        r = match_input(input, contract, batch, err);
    if (r == 0)
        r = lower_start(lower, model, err);
    if (r == 0)
        r = add_input(lower, input, contract, batch, &finish.input);
    if (r == 0)
        r = lower_nodes(lower, &output->value, 1);
    if (r == 0)
        r = lower_logits(lower, lower->map[output->value], batch, &finish.logits);
    if (r == 0)
        r = lower_penultimate(lower, &finish, &finish.penultimate);
    if (r == 0)
        *ret_finish = finish;
    return r;
}

static void end_lower(struct lower **lower)
{
    lower_end(*lower);
}

int model_graph(const struct model *model, const struct model_contract *contract, uint32_t batch,
                struct graph **ret_graph, struct error *err)
{
    CLEANUP(end_lower) struct lower *lower = calloc(1, sizeof *lower);
    struct finish finish;
    int r;

    if (lower == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    r = prepare(lower, model, contract, batch, &finish, err);
    return r < 0 ? r : lower_finish(lower, &finish, ret_graph);
}

int model_measure(const struct model *model, const struct model_contract *contract, uint32_t batch,
                  struct model_memory *ret_memory, struct error *err)
{
    CLEANUP(end_lower) struct lower *lower = calloc(1, sizeof *lower);
    struct finish finish;
    int r;

    if (lower == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    r = prepare(lower, model, contract, batch, &finish, err);
    return r < 0 ? r : lower_measure(lower, &finish, ret_memory);
}
