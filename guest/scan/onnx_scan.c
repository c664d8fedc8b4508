/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX models: external data, operators that are not ONNX's own, text that is code, tensors that lie about their size.
 *
 * An ONNX file holds no code; what harms is what its loaders do with it: they open the files that external_data
 * names, they load the operators of custom domains from libraries (some of which run Python), and other tools trust
 * the texts in it. All of it may stand at any depth, in the graphs of If, Loop and Scan, in attributes, functions and
 * training graphs: the visit goes wherever a graph can be.
 */
#include "guest/scan/formats.h"

#include "guest/scan/names.h"
#include "guest/scan/onnx_tensor.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODE_DEPTH_MAX 32u /* nodes within nodes: each takes at least four messages of the visit's depth */
#define DOMAINS_MAX    64u
#define NAME_MAX_SIZE  128u
#define STRING_MIN     16u /* bytes of a string value that may be an object of its own */

const struct scan_rule onnx_rules[ONNX_RULE_COUNT] = {
    [ONNX_RULE_LENGTH] =
        {"onnx-length", SCAN_HIGH,
         "A field says to be larger than any model can be; a loader that believes it runs out of memory."},
    [ONNX_RULE_EXTERNAL_PATH] =
        {"onnx-external-path", SCAN_HIGH,
         "Loading the model reads a file outside of its folder, which its outputs can give away."},
    [ONNX_RULE_EXTERNAL_MEMORY] = {"onnx-external-memory", SCAN_CRITICAL,
                                   "ONNX Runtime takes the offset for an address and reads its own memory there."},
    [ONNX_RULE_EXTERNAL_RANGE] =
        {"onnx-external-range", SCAN_HIGH,
         "A loader reads outside of the external file, before its beginning or beyond all bounds."},
    [ONNX_RULE_EXTERNAL_SIZE] = {"onnx-external-size", SCAN_MEDIUM,
                                 "A loader takes more or fewer bytes of a file than the tensor has."},
    [ONNX_RULE_TENSOR_BOMB] = {"onnx-tensor-bomb", SCAN_HIGH,
                               "A loader that multiplies the dimensions overflows, or runs out of memory."},
    [ONNX_RULE_TENSOR_SHORT] =
        {"onnx-tensor-short", SCAN_MEDIUM,
         "A loader that trusts the dimensions reads beyond the data, or allocates far too much."},
    [ONNX_RULE_OPERATOR] = {"onnx-operator", SCAN_HIGH,
                            "The operator runs code, or reaches files or a network, where a library provides it."},
    [ONNX_RULE_CUSTOM_DOMAIN] = {"onnx-custom-domain", SCAN_MEDIUM,
                                 "The operator is not ONNX's: the model runs only with a native library beside it."},
    [ONNX_RULE_ENGINE] = {"onnx-engine", SCAN_MEDIUM,
                          "The operator holds or names a compiled program for an accelerator, which nobody can read."},
    [ONNX_RULE_CODE] = {"onnx-code", SCAN_HIGH,
                        "A text of the model is code, which a tool that evaluates it would run."},
    [ONNX_RULE_TEXT] = {"onnx-text", SCAN_MEDIUM, "A text of the model mentions what code needs to do harm."},
};

struct node {
    uint64_t offset;
    char op[NAME_MAX_SIZE], domain[NAME_MAX_SIZE]; /* cut, not terminated */
    size_t op_size, domain_size;
};

struct domain {
    char name[NAME_MAX_SIZE], op[NAME_MAX_SIZE]; /* the first operator of it */
    size_t name_size, op_size;
    uint64_t offset, count;
};

struct onnx {
    struct node nodes[NODE_DEPTH_MAX];
    uint32_t node_depth; /* may go beyond the array: those are not judged, and counted as a gap */
    struct onnx_tensor tensor;
    struct onnx_entry entry;
    char attribute[NAME_MAX_SIZE];
    size_t attribute_size;
    struct domain used[DOMAINS_MAX], defined[DOMAINS_MAX]; /* by nodes; by the model's own functions */
    uint32_t used_count, defined_count;
};

/* --- operators ------------------------------------------------------------------------------------------ */

static bool is_text(const char *text, size_t size, const char *other)
{
    return size == strlen(other) && memcmp(text, other, size) == 0;
}

static bool is_one_of(const char *text, size_t size, const char *const *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_text(text, size, others[i]))
            return true;
    return false;
}

#define IS_ONE_OF(text, size, others) is_one_of((text), (size), (others), sizeof(others) / sizeof((others)[0]))

/* Domains whose operators the common runtimes have built in, and that do nothing but compute. */
static bool is_own_domain(const char *domain, size_t size)
{
    static const char *const own[] = {
        "",
        "ai.onnx",
        "ai.onnx.ml",
        "ai.onnx.training",
        "ai.onnx.preview",
        "ai.onnx.preview.training",
        "com.microsoft",
        "com.microsoft.dml",
        "com.microsoft.experimental",
        "com.microsoft.nchwc",
        "com.ms.internal.nhwc",
        "org.pytorch.aten",
    };

    return IS_ONE_OF(domain, size, own);
}

/* Operators that call Python, whatever domain they stand in. */
static bool calls_python(const char *op, size_t size)
{
    static const char *const ops[] = {"PyOp", "PyCustomOp", "PythonOp", "PythonOpGrad"};

    return IS_ONE_OF(op, size, ops);
}

static bool holds_engine(const char *op, size_t size)
{
    static const char *const ops[] = {"EPContext", "TRT_TRTEngineOp", "TRTEngine", "QnnContext"};

    return IS_ONE_OF(op, size, ops);
}

/* A place in a list of domains; the last stands for all that there is no place for. */
static struct domain *place_of(struct domain *domains, uint32_t *count, const char *name, size_t size)
{
    for (uint32_t i = 0; i < *count; i++)
        if (domains[i].name_size == size && memcmp(domains[i].name, name, size) == 0)
            return &domains[i];
    if (*count == DOMAINS_MAX)
        return &domains[DOMAINS_MAX - 1];
    memcpy(domains[*count].name, name, size);
    domains[*count].name_size = size;
    return &domains[(*count)++];
}

static int judge_node(struct proto_visit *visit, struct onnx *onnx, const struct node *node, struct error *err)
{
    const char *word = names_operator_reaches(node->op, node->op_size);
    struct domain *domain;

    if (calls_python(node->op, node->op_size) || (word != NULL && !is_own_domain(node->domain, node->domain_size)))
        return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_OPERATOR], node->offset, err,
                         "%s of domain '%s'", TEXT(node->op, node->op_size), TEXT(node->domain, node->domain_size));
    if (holds_engine(node->op, node->op_size))
        return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_ENGINE], node->offset, err,
                         "%s of domain '%s'", TEXT(node->op, node->op_size), TEXT(node->domain, node->domain_size));
    if (is_own_domain(node->domain, node->domain_size))
        return 0;
    domain = place_of(onnx->used, &onnx->used_count, node->domain, node->domain_size);
    if (domain->count++ == 0) {
        memcpy(domain->op, node->op, node->op_size);
        domain->op_size = node->op_size;
        domain->offset = node->offset;
    }
    return 0;
}

/* Domains of operators that are not functions of the model itself. */
static int judge_domains(struct proto_visit *visit, struct onnx *onnx, struct error *err)
{
    for (uint32_t i = 0; i < onnx->used_count; i++) {
        const struct domain *used = &onnx->used[i];
        bool defined = false;
        int r;

        for (uint32_t k = 0; k < onnx->defined_count && !defined; k++)
            defined = onnx->defined[k].name_size == used->name_size &&
                      memcmp(onnx->defined[k].name, used->name, used->name_size) == 0;
        if (defined)
            continue;
        r = scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_CUSTOM_DOMAIN], used->offset, err,
                      "%llu operators of domain '%s', the first %s", (unsigned long long)used->count,
                      TEXT(used->name, used->name_size), TEXT(used->op, used->op_size));
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- the visit ------------------------------------------------------------------------------------------ */

static struct node *node_of(struct onnx *onnx)
{
    return onnx->node_depth > 0 && onnx->node_depth <= NODE_DEPTH_MAX ? &onnx->nodes[onnx->node_depth - 1] : NULL;
}

static int enter(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    struct onnx *onnx = visit->argument;

    (void)err;
    if (row == NULL)
        return 0;
    switch (row->field) {
    case ONNX_IS_NODE:
        if (++onnx->node_depth > NODE_DEPTH_MAX)
            scan_skipped(visit->scan, visit->object, SCAN_GAP_DEPTH, field->offset, 0, "more than %u nodes around",
                         NODE_DEPTH_MAX);
        else
            *node_of(onnx) = (struct node){.offset = field->offset};
        break;
    case ONNX_IS_TENSOR:
        onnx_tensor_begin(&onnx->tensor, field->offset);
        break;
    case ONNX_IS_EXTERNAL:
    case ONNX_IS_METADATA:
        onnx->entry.key_size = onnx->entry.value_size = 0;
        onnx->entry.at = *field;
        onnx->entry.at.size = 0;
        break;
    default:
        break;
    }
    return 0;
}

static int judge_metadata(struct proto_visit *visit, const struct onnx_entry *entry, struct error *err)
{
    char name[ONNX_KEY_MAX * 4 + 32];
    int r;

    (void)snprintf(name, sizeof name, "metadata '%s'", TEXT(entry->key, entry->key_size));
    r = proto_visit_text(visit, &entry->at, name, &onnx_rules[ONNX_RULE_CODE], &onnx_rules[ONNX_RULE_TEXT], err);
    return r < 0 ? r : proto_visit_string(visit, &entry->at, name, err);
}

static int leave(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    struct onnx *onnx = visit->argument;
    const struct node *node = node_of(onnx);

    (void)field;
    if (row == NULL)
        return judge_domains(visit, onnx, err);
    switch (row->field) {
    case ONNX_IS_NODE:
        onnx->node_depth--;
        return node != NULL ? judge_node(visit, onnx, node, err) : 0;
    case ONNX_IS_TENSOR:
        return onnx_tensor_judge(visit, &onnx->tensor, err);
    case ONNX_IS_EXTERNAL:
        return onnx_tensor_add_entry(visit, &onnx->tensor, &onnx->entry, err);
    case ONNX_IS_METADATA:
        return judge_metadata(visit, &onnx->entry, err);
    default:
        return 0;
    }
}

static void take_dims(struct proto_visit *visit, struct onnx_tensor *tensor, const struct proto_field *field)
{
    struct proto dims = proto_over(visit->object->source, field->start, field->size, NULL);
    uint64_t dim;

    while (proto_next_varint(&dims, &dim) > 0)
        onnx_tensor_add_dim(tensor, dim);
}

/* The numbers that a tensor holds; none of them is looked at. */
static void take_weights(struct proto_visit *visit, struct onnx_tensor *tensor, const struct proto_row *row,
                         const struct proto_field *field)
{
    switch (row->field) {
    case ONNX_RAW:
        tensor->raw += field->size;
        break;
    case ONNX_NUMBERS_1:
        tensor->numbers += field->size;
        break;
    case ONNX_NUMBERS_4:
        tensor->numbers += field->size / 4;
        break;
    default:
        tensor->numbers += field->size / 8;
        break;
    }
    proto_visit_pass(visit, field, SCAN_SKIP_WEIGHTS);
}

/* Paths that an attribute gives to a runtime. */
static int judge_attribute(struct proto_visit *visit, struct onnx *onnx, const struct proto_field *field,
                           struct error *err)
{
    static const char *const paths[] = {"ep_cache_context", "engine_path", "library", "library_path", "model_path"};
    char value[ONNX_KEY_MAX * 8];
    const char *leaves;
    size_t size;

    if (!IS_ONE_OF(onnx->attribute, onnx->attribute_size, paths))
        return 0;
    size = proto_visit_copy(visit, field, value, sizeof value);
    leaves = field->size <= sizeof value ? names_path_leaves(value, size) : NULL; /* else it is what it names */
    if (leaves == NULL)
        return 0;
    return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_EXTERNAL_PATH], field->offset, err,
                     "attribute %s, %s: '%s'", TEXT(onnx->attribute, onnx->attribute_size), leaves, TEXT(value, size));
}

static int take_string(struct proto_visit *visit, struct onnx *onnx, const struct proto_field *field, struct error *err)
{
    int r;

    onnx->tensor.numbers++;
    r = judge_attribute(visit, onnx, field, err);
    if (r < 0 || field->size < STRING_MIN)
        return r;
    return proto_visit_string(visit, field, "string", err);
}

static int value(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    struct onnx *onnx = visit->argument;
    struct node *node = node_of(onnx);
    char name[NAME_MAX_SIZE];

    switch (row->field) {
    case ONNX_OP_TYPE:
        if (node != NULL)
            node->op_size = proto_visit_copy(visit, field, node->op, sizeof node->op);
        return 0;
    case ONNX_DOMAIN:
        if (node != NULL)
            node->domain_size = proto_visit_copy(visit, field, node->domain, sizeof node->domain);
        return 0;
    case ONNX_FUNCTION_DOMAIN:
        (void)place_of(onnx->defined, &onnx->defined_count, name, proto_visit_copy(visit, field, name, sizeof name));
        return 0;
    case ONNX_ATTRIBUTE_NAME:
        onnx->attribute_size = proto_visit_copy(visit, field, onnx->attribute, sizeof onnx->attribute);
        return 0;
    case ONNX_TEXT:
        return proto_visit_text(visit, field, row->name, &onnx_rules[ONNX_RULE_CODE], NULL, err);
    case ONNX_STRING:
        return take_string(visit, onnx, field, err);
    case ONNX_KEY:
        onnx->entry.key_size = proto_visit_copy(visit, field, onnx->entry.key, sizeof onnx->entry.key);
        return 0;
    case ONNX_VALUE:
        onnx->entry.value_size = proto_visit_copy(visit, field, onnx->entry.value, sizeof onnx->entry.value);
        onnx->entry.at = *field;
        return 0;
    case ONNX_DIM:
        onnx_tensor_add_dim(&onnx->tensor, field->value);
        return 0;
    case ONNX_DIMS:
        take_dims(visit, &onnx->tensor, field);
        return 0;
    case ONNX_TYPE:
        onnx->tensor.type = field->value;
        return 0;
    case ONNX_NUMBER:
        onnx->tensor.numbers++;
        return 0;
    case ONNX_LOCATION:
        onnx->tensor.external = onnx->tensor.external || field->value == 1; /* DataLocation.EXTERNAL */
        return 0;
    default:
        take_weights(visit, &onnx->tensor, row, field);
        return 0;
    }
}

static int scan_onnx(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    static const struct proto_visitor visitor_of_onnx = {.rows = onnx_rows,
                                                         .length_rule = &onnx_rules[ONNX_RULE_LENGTH],
                                                         .enter = enter,
                                                         .leave = leave,
                                                         .value = value};
    struct proto_visitor visitor = visitor_of_onnx;
    CLEANUP_FREE struct onnx *onnx = NULL;
    struct proto_visit visit = {.scan = scan, .object = object, .visitor = &visitor};
    int r = scan_reserve(scan, sizeof *onnx, NULL);

    (void)ret_recognised;
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, NULL);
        return 0;
    }
    visitor.row_count = onnx_row_count;
    onnx = calloc(1, sizeof *onnx);
    visit.argument = onnx;
    r = onnx != NULL ? proto_visit(&visit, 0, UINT64_MAX, ONNX_MODEL, err)
                     : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    scan_release(scan, sizeof *onnx);
    return r;
}

/* --- the format ----------------------------------------------------------------------------------------- */

const struct scan_format scan_format_onnx = {
    .name = "onnx",
    .rules = onnx_rules,
    .rule_count = ONNX_RULE_COUNT,
    .match = onnx_match,
    .scan = scan_onnx,
};
