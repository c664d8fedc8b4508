/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of ONNX models: external data, and dimensions that promise more than is there. */
#include "guest/scan/graph/onnx_tensor.h"

#include "guest/scan/text.h"
#include "guest/scan/text/names.h"

#include <string.h>

#define ELEMENTS_MAX ((uint64_t)INT64_MAX)
/* What a tensor may lack before it is more than a careless writer: bytes. */
#define SHORT_MAX (UINT64_C(16) << 20)
/* The mark by which ONNX Runtime takes the offset for an address of its own memory. */
static const char memory_mark[] = "_ORT_MEM_ADDR_";

void onnx_tensor_begin(struct onnx_tensor *tensor, uint64_t offset)
{
    *tensor = (struct onnx_tensor){.offset = offset, .elements = 1};
}

void onnx_tensor_add_dim(struct onnx_tensor *tensor, uint64_t dim)
{
    if (dim > ELEMENTS_MAX || __builtin_mul_overflow(tensor->elements, dim, &tensor->elements) ||
        tensor->elements > ELEMENTS_MAX) {
        tensor->overflow = true;
        tensor->elements = 1;
    }
}

static bool has_key(const struct onnx_entry *entry, const char *key)
{
    return entry->key_size == strlen(key) && memcmp(entry->key, key, entry->key_size) == 0;
}

static int judge_location(struct proto_visit *visit, const struct onnx_entry *entry, struct error *err)
{
    const char *leaves = names_path_leaves(entry->value, entry->value_size);

    if (memmem(entry->value, entry->value_size, memory_mark, sizeof memory_mark - 1) != NULL)
        return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_EXTERNAL_MEMORY], entry->at.offset, err,
                         "location '%s'", TEXT(entry->value, entry->value_size));
    if (entry->at.size > sizeof entry->value)
        leaves = "longer than any path";
    if (leaves == NULL)
        return 0;
    return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_EXTERNAL_PATH], entry->at.offset, err,
                     "%s: '%s'", leaves, TEXT(entry->value, entry->value_size));
}

/* A decimal number that fits 63 bits; blanks around it are allowed, as Python's int and C's strtol take them. */
static bool parse_number(const struct onnx_entry *entry, uint64_t *ret_value)
{
    size_t from = 0, to = entry->value_size;
    uint64_t value = 0;

    while (from < to && entry->value[from] == ' ')
        from++;
    while (to > from && entry->value[to - 1] == ' ')
        to--;
    if (from == to)
        return false;
    for (size_t i = from; i < to; i++) {
        if (entry->value[i] < '0' || entry->value[i] > '9' || value > (ELEMENTS_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(entry->value[i] - '0');
    }
    *ret_value = value;
    return true;
}

int onnx_tensor_add_entry(struct proto_visit *visit, struct onnx_tensor *tensor, const struct onnx_entry *entry,
                          struct error *err)
{
    uint64_t value = 0;

    tensor->external = true;
    if (has_key(entry, "location"))
        return judge_location(visit, entry, err);
    if (!has_key(entry, "offset") && !has_key(entry, "length"))
        return 0;
    if (!parse_number(entry, &value))
        return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_EXTERNAL_RANGE], entry->at.offset, err,
                         "%s is '%s'", entry->key[0] == 'o' ? "offset" : "length",
                         TEXT(entry->value, entry->value_size));
    if (entry->key[0] == 'l') {
        tensor->has_length = true;
        tensor->length = value;
    }
    return 0;
}

/* Bits of an element by TensorProto.DataType; 0 for strings and types unknown. */
static uint64_t element_bits(uint64_t type)
{
    static const uint8_t bits[] = {
        [1] = 32,  [2] = 8,   [3] = 8,   [4] = 16,  [5] = 16,  [6] = 32,   [7] = 64,  [9] = 8,
        [10] = 16, [11] = 64, [12] = 32, [13] = 64, [14] = 64, [15] = 128, [16] = 16, [17] = 8,
        [18] = 8,  [19] = 8,  [20] = 8,  [21] = 4,  [22] = 4,  [23] = 4,
    };

    return type < sizeof bits ? bits[type] : 0;
}

/* Bytes that the dimensions ask for; false where that is no 63-bit number. */
static bool needed_bytes(const struct onnx_tensor *tensor, uint64_t *ret_bytes)
{
    uint64_t bits = element_bits(tensor->type), whole;

    if (__builtin_mul_overflow(tensor->elements, bits, &whole) || whole > UINT64_MAX - 7)
        return false;
    *ret_bytes = (whole + 7) / 8;
    return true;
}

static int judge_external(struct proto_visit *visit, const struct onnx_tensor *tensor, uint64_t needed,
                          struct error *err)
{
    if (!tensor->has_length || needed == 0 || tensor->length == needed)
        return 0;
    return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_EXTERNAL_SIZE], tensor->offset, err,
                     "%llu bytes of the file for a tensor of %llu", (unsigned long long)tensor->length,
                     (unsigned long long)needed);
}

static int judge_inline(struct proto_visit *visit, const struct onnx_tensor *tensor, uint64_t needed, struct error *err)
{
    uint64_t present = tensor->raw;

    if (tensor->numbers > 0) { /* each of at most 128 bits */
        uint64_t numbers = tensor->numbers < ELEMENTS_MAX / 16 ? tensor->numbers * 16 : ELEMENTS_MAX;

        present = numbers > present ? numbers : present;
    }
    if (needed <= present || needed - present <= SHORT_MAX)
        return 0;
    return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_TENSOR_SHORT], tensor->offset, err,
                     "dimensions for %llu bytes, %llu are there", (unsigned long long)needed,
                     (unsigned long long)present);
}

int onnx_tensor_judge(struct proto_visit *visit, const struct onnx_tensor *tensor, struct error *err)
{
    uint64_t needed;

    if (tensor->overflow || !needed_bytes(tensor, &needed))
        return scan_find(visit->scan, visit->object, &onnx_rules[ONNX_RULE_TENSOR_BOMB], tensor->offset, err, "%s",
                         "a negative dimension, or more elements than can be counted");
    return tensor->external ? judge_external(visit, tensor, needed, err) : judge_inline(visit, tensor, needed, err);
}
