/* SPDX-License-Identifier: Apache-2.0 */
/* ModelProto and GraphProto: one pass over the file, one record a node, tensor and name. */
#include "guest/model/lower_ml.h"
#include "guest/model/onnx_decode.h"

#include <errno.h>
#include <string.h>

/* Room for one more record in a list with a limit; a fault names what there is too much of. */
static bool grow(struct decoder *decoder, void *list, uint32_t count, uint32_t *capacity, size_t size, uint32_t limit,
                 const char *what)
{
    void *bigger;
    uint32_t wanted;

    if (count < *capacity)
        return true;
    if (count >= limit)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "more than %u %s, at byte %zu; that is the limit", limit, what,
                            decoder->cursor.offset);
    wanted = count == 0 ? 16 : count * 2;
    if (wanted > limit)
        wanted = limit;
    bigger = realloc(*(void **)list, (size_t)wanted * size);
    if (bigger == NULL)
        return decoder_fail(decoder, ERROR_UNAVAILABLE, "no memory for %u %s", wanted, what);
    *(void **)list = bigger;
    *capacity = wanted;
    return true;
}

/* --- nodes --------------------------------------------------------------------------------- */

static bool add_edge(pb_istream_t *stream, struct model *model)
{
    struct decoder *decoder = decoder_of(stream);
    struct span name;

    if (decoder == NULL || !decode_name(stream, NULL, &(void *){&name}) ||
        !grow(decoder, &model->edges, model->edge_count, &model->edge_capacity, sizeof *model->edges, MODEL_EDGES_MAX,
              "inputs and outputs of nodes"))
        return false;
    model->edges[model->edge_count++] = (struct onnx_edge){.name = name, .value = GRAPH_NONE};
    return true;
}

static bool add_node_input(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct onnx_node *node = &model->nodes[model->node_count];

    (void)field;
    if (node->input_count == MODEL_NODE_INPUTS_MAX)
        return decoder_fail(decoder_of(stream), ERROR_BAD_INPUT, "more than %u inputs", MODEL_NODE_INPUTS_MAX);
    node->input_count++;
    return add_edge(stream, model);
}

static bool count_node_output(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct onnx_node *node = &model->nodes[model->node_count];

    (void)field;
    if (node->output_count == MODEL_NODE_OUTPUTS_MAX)
        return decoder_fail(decoder_of(stream), ERROR_BAD_INPUT, "more than %u outputs", MODEL_NODE_OUTPUTS_MAX);
    node->output_count++;
    return add_edge(stream, model);
}

/* Attributes are read to be checked, and again when the node is lowered: those of classical models with long lists. */
static bool check_attributes(pb_istream_t *stream, struct model *model, const struct onnx_node *node)
{
    struct decoder *decoder = decoder_of(stream);
    struct onnx_lists lists;

    if (span_equal(node->domain, LOWER_ML_DOMAIN))
        decoder->code = onnx_lists_read(model, node, &lists, decoder->err);
    else
        decoder->code = onnx_attributes_read(model, node, &model->attributes, decoder->err);
    return decoder->code == 0;
}

/* The edges of a node were added as they came; puts inputs before outputs where a file mixes them. */
static bool decode_edges(pb_istream_t *stream, struct model *model, struct onnx_node *node)
{
    struct decoder *decoder = decoder_of(stream);
    struct decoder again;
    onnx_NodeProto inputs = {.input = {.funcs.decode = add_node_input, .arg = model}};
    onnx_NodeProto outputs = {.output = {.funcs.decode = count_node_output, .arg = model}};
    struct span file = {model->data, model->size};
    int r;

    node->first_input = model->edge_count;
    r = onnx_decode(&again, file, node->offset, node->size, onnx_NodeProto_fields, &inputs, decoder->err);
    node->first_output = model->edge_count;
    if (r == 0)
        r = onnx_decode(&again, file, node->offset, node->size, onnx_NodeProto_fields, &outputs, decoder->err);
    decoder->code = r;
    return r == 0;
}

static bool add_node(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct decoder *decoder = decoder_of(stream);
    struct onnx_node *node;
    onnx_NodeProto message = {0};

    (void)field;
    if (decoder == NULL || !grow(decoder, &model->nodes, model->node_count, &model->node_capacity, sizeof *model->nodes,
                                 MODEL_NODES_MAX, "nodes"))
        return false;
    node = &model->nodes[model->node_count];
    *node = (struct onnx_node){.offset = decoder->cursor.offset, .size = stream->bytes_left};
    message.name = (pb_callback_t){.funcs.decode = decode_name, .arg = &node->name};
    message.op_type = (pb_callback_t){.funcs.decode = decode_name, .arg = &node->op};
    message.domain = (pb_callback_t){.funcs.decode = decode_name, .arg = &node->domain};
    if (!pb_decode(stream, onnx_NodeProto_fields, &message)) {
        if (decoder->code != 0 && node->op.size > 0)
            (void)onnx_blame_node(model, model->node_count, decoder->err);
        return false;
    }
    if (node->op.size == 0)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "node %u '%s' at byte %zu has no operator", model->node_count,
                            SPAN_TEXT(node->name), node->offset);
    if (!check_attributes(stream, model, node) || !decode_edges(stream, model, node)) {
        (void)onnx_blame_node(model, model->node_count, decoder->err);
        return false;
    }
    model->node_count++;
    return true;
}

/* --- inputs and outputs of the graph --------------------------------------------------------- */

static bool add_dim(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_input *input = *arg;
    onnx_TensorShapeProto_Dimension message = {0};
    struct decoder *decoder = decoder_of(stream);

    (void)field;
    if (decoder == NULL || !pb_decode(stream, onnx_TensorShapeProto_Dimension_fields, &message))
        return false;
    if (input->rank == GRAPH_RANK_MAX)
        return decoder_fail(decoder, ERROR_UNAVAILABLE, "'%s' has more than %u dimensions", SPAN_TEXT(input->name),
                            GRAPH_RANK_MAX);
    if (message.has_dim_value && (message.dim_value < 0 || message.dim_value > (int64_t)MODEL_DIM_MAX))
        return decoder_fail(decoder, ERROR_BAD_INPUT, "'%s' has a dimension of %lld; 0 to 2^31 is possible (byte %zu)",
                            SPAN_TEXT(input->name), (long long)message.dim_value, decoder->cursor.offset);
    input->dims[input->rank++] = message.has_dim_value ? message.dim_value : -1;
    return true;
}

static bool set_shape(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_input *input = *arg;
    onnx_TensorShapeProto message = {.dim = {.funcs.decode = add_dim, .arg = input}};

    (void)field;
    input->has_shape = true;
    return pb_decode(stream, onnx_TensorShapeProto_fields, &message);
}

static bool set_tensor_type(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_input *input = *arg;
    onnx_TypeProto_Tensor message = {.shape = {.funcs.decode = set_shape, .arg = input}};

    (void)field;
    input->is_tensor = true;
    if (!pb_decode(stream, onnx_TypeProto_Tensor_fields, &message))
        return false;
    input->elem_type = message.has_elem_type ? message.elem_type : ONNX_UNDEFINED;
    return true;
}

static bool set_type(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    onnx_TypeProto message = {.tensor_type = {.funcs.decode = set_tensor_type, .arg = *arg}};

    (void)field;
    return pb_decode(stream, onnx_TypeProto_fields, &message);
}

static bool decode_value_info(pb_istream_t *stream, struct onnx_input *ret_input)
{
    struct onnx_input input = {.value = GRAPH_NONE};
    struct decoder *decoder = decoder_of(stream);
    onnx_ValueInfoProto message = {
        .name = {.funcs.decode = decode_name, .arg = &input.name},
        .type = {.funcs.decode = set_type, .arg = &input},
    };

    if (decoder == NULL || !pb_decode(stream, onnx_ValueInfoProto_fields, &message))
        return false;
    if (input.name.size == 0)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "an input or output of the graph before byte %zu has no name",
                            decoder->cursor.offset);
    *ret_input = input;
    return true;
}

static bool add_input(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;

    (void)field;
    return decoder_of(stream) != NULL &&
           grow(decoder_of(stream), &model->inputs, model->input_count, &model->input_capacity, sizeof *model->inputs,
                MODEL_INPUTS_MAX, "inputs of the graph") &&
           decode_value_info(stream, &model->inputs[model->input_count]) && ++model->input_count > 0;
}

static bool add_output(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;

    (void)field;
    return decoder_of(stream) != NULL &&
           grow(decoder_of(stream), &model->outputs, model->output_count, &model->output_capacity,
                sizeof *model->outputs, MODEL_OUTPUTS_MAX, "outputs of the graph") &&
           decode_value_info(stream, &model->outputs[model->output_count]) && ++model->output_count > 0;
}

static bool add_initializer(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct decoder *decoder = decoder_of(stream);

    (void)field;
    if (decoder == NULL ||
        !grow(decoder, &model->initializers, model->initializer_count, &model->initializer_capacity,
              sizeof *model->initializers, MODEL_INITIALIZERS_MAX, "initializers") ||
        !onnx_tensor_decode(stream, &model->initializers[model->initializer_count]))
        return false;
    if (model->initializers[model->initializer_count].name.size == 0)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "the initializer before byte %zu has no name",
                            decoder->cursor.offset);
    model->initializer_count++;
    return true;
}

static bool refuse_sparse(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    (void)arg;
    return decoder_fail(decoder_of(stream), ERROR_UNAVAILABLE, "sparse initializers are not supported");
}

/* --- the file ------------------------------------------------------------------------------ */

static bool read_graph(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct decoder *decoder = decoder_of(stream);
    onnx_GraphProto message = {
        .node = {.funcs.decode = add_node, .arg = model},
        .initializer = {.funcs.decode = add_initializer, .arg = model},
        .sparse_initializer = {.funcs.decode = refuse_sparse},
        .input = {.funcs.decode = add_input, .arg = model},
        .output = {.funcs.decode = add_output, .arg = model},
    };

    (void)field;
    if (decoder == NULL)
        return false;
    if (model->graph_seen)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "a second graph at byte %zu", decoder->cursor.offset);
    model->graph_seen = true;
    model->graph_offset = decoder->cursor.offset;
    return pb_decode(stream, onnx_GraphProto_fields, &message);
}

static bool add_opset(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct model *model = *arg;
    struct decoder *decoder = decoder_of(stream);
    struct span domain = {0};
    onnx_OperatorSetIdProto message = {.domain = {.funcs.decode = decode_name, .arg = &domain}};

    (void)field;
    if (decoder == NULL || !pb_decode(stream, onnx_OperatorSetIdProto_fields, &message))
        return false;
    if (model->opset_count++ == MODEL_OPSETS_MAX)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "more than %u operator sets", MODEL_OPSETS_MAX);
    if (domain.size > 0 && !span_equal(domain, "ai.onnx"))
        return true; /* a node that uses it is refused by name */
    if (model->opset_seen)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "two versions of ONNX's operator set, before byte %zu",
                            decoder->cursor.offset);
    if (message.version < MODEL_OPSET_MIN || message.version > MODEL_OPSET_MAX)
        return decoder_fail(decoder, ERROR_UNAVAILABLE, "operator set %lld is not supported; %u to %u are",
                            (long long)message.version, MODEL_OPSET_MIN, MODEL_OPSET_MAX);
    model->opset_seen = true;
    model->opset = (uint32_t)message.version;
    return true;
}

/* What the bytes are, where they are something well known that is not ONNX. */
static const char *known_format(const struct model *model)
{
    static const struct {
        const char *magic, *name;
        size_t size;
    } formats[] = {
        {"PK\3\4", "a zip archive (PyTorch's .pt and .pth are)", 4},
        {"\211HDF\r\n\032\n", "an HDF5 file (Keras's .h5 is)", 8},
        {"\x80\2", "a Python pickle", 2},
        {"\x80\3", "a Python pickle", 2},
        {"\x80\4", "a Python pickle", 2},
        {"\x80\5", "a Python pickle", 2},
        {"\x93NUMPY", "a NumPy array", 6},
        {"\x1f\x8b", "gzip data", 2},
    };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (model->size >= formats[i].size && memcmp(model->data, formats[i].magic, formats[i].size) == 0)
            return formats[i].name;
    return NULL;
}

int onnx_file_read(struct model *model, struct error *err)
{
    struct decoder decoder;
    const char *format = known_format(model);
    onnx_ModelProto message = {
        .graph = {.funcs.decode = read_graph, .arg = model},
        .opset_import = {.funcs.decode = add_opset, .arg = model},
    };
    int r;

    if (model->size == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model is empty (0 bytes)");
    if (format != NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model is not ONNX but %s; export it to ONNX", format);
    r = onnx_decode(&decoder, (struct span){model->data, model->size}, 0, model->size, onnx_ModelProto_fields, &message,
                    err);
    if (r < 0)
        return model->graph_seen || message.has_ir_version ? r : error_prefix(err, "not an ONNX model");
    if (!model->graph_seen)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "not an ONNX model: its %zu bytes hold no graph", model->size);
    model->ir_version = message.has_ir_version ? message.ir_version : 0;
    return 0;
}
