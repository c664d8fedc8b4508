/* SPDX-License-Identifier: Apache-2.0 */
/* TFLite's models, made table by table: operators of each kind, and references that lead where nothing is. */
#include "unit/harness.h"

#include "guest/scan/flexbuffer.h"
#include "unit/guest/scan/message.h"
#include "unit/guest/scan/scanned.h"

#include <errno.h>

#define MODEL_MAX   65536u
#define FIELD_BYTES 8u /* every field of a table gets as many, whatever its type */
#define CUSTOM      32u

/* A FlatBuffer from front to back: what refers stands before what it refers to. */
struct flat {
    uint8_t bytes[MODEL_MAX];
    uint32_t size;
};

static void put(struct flat *flat, uint32_t at, uint64_t value, uint32_t bytes)
{
    CU_ASSERT_FATAL(at + bytes <= MODEL_MAX);
    for (uint32_t i = 0; i < bytes; i++)
        flat->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static uint32_t place_of(uint32_t table, uint32_t field)
{
    return table + 4 + field * FIELD_BYTES;
}

/* A table with room for `count` fields, none of which it has until it is set. */
static uint32_t add_table(struct flat *flat, uint32_t count)
{
    uint32_t vtable = flat->size, table = vtable + 4 + 2 * count;

    put(flat, vtable, 4 + 2 * count, 2);
    put(flat, vtable + 2, 4 + FIELD_BYTES * count, 2);
    put(flat, table, table - vtable, 4);
    flat->size = table + 4 + FIELD_BYTES * count;
    return table;
}

static void set_number(struct flat *flat, uint32_t table, uint32_t field, uint64_t value)
{
    uint32_t vtable = table - (uint32_t)(flat->bytes[table] | flat->bytes[table + 1] << 8);

    put(flat, vtable + 4 + 2 * field, place_of(table, field) - table, 2);
    put(flat, place_of(table, field), value, 8);
}

/* The field refers to whatever is added next. */
static void set_next(struct flat *flat, uint32_t table, uint32_t field)
{
    set_number(flat, table, field, flat->size - place_of(table, field));
}

static uint32_t add_vector(struct flat *flat, uint32_t count, uint32_t bytes)
{
    uint32_t at = flat->size;

    put(flat, at, count, 4);
    flat->size += 4 + count * bytes;
    return at + 4;
}

static void add_string(struct flat *flat, const void *bytes, size_t size)
{
    uint32_t at = add_vector(flat, (uint32_t)size, 1);

    CU_ASSERT_FATAL(at + size <= MODEL_MAX);
    memcpy(flat->bytes + at, bytes, size);
}

/* Where things are in the model that model_of makes. */
struct places {
    uint32_t root, code, subgraph, tensor, operator, inputs, buffer;
};

/* One operator, of the built-in code 0 or custom where it has a name; one tensor, one buffer. */
static void model_of(struct flat *flat, const char *custom, const void *options, size_t options_size,
                     struct places *ret_places)
{
    struct places at;
    uint32_t vector;

    memset(flat, 0, sizeof *flat);
    memcpy(flat->bytes + 4, "TFL3", 4);
    flat->size = 8;
    put(flat, 0, 8 + 4 + 2 * 7, 4); /* behind the root's vtable */
    at.root = add_table(flat, 7);
    set_number(flat, at.root, 0, 3);

    set_next(flat, at.root, 1);
    vector = add_vector(flat, 1, 4);
    put(flat, vector, flat->size + 4 + 2 * 4 - vector, 4);
    at.code = add_table(flat, 4);
    if (custom != NULL) {
        set_number(flat, at.code, 0, CUSTOM);
        set_number(flat, at.code, 3, CUSTOM);
        set_next(flat, at.code, 1);
        add_string(flat, custom, strlen(custom));
    }

    set_next(flat, at.root, 4);
    vector = add_vector(flat, 1, 4);
    put(flat, vector, flat->size + 4 + 2 * 3 - vector, 4);
    at.buffer = add_table(flat, 3);
    set_next(flat, at.buffer, 0);
    add_string(flat, "weights", 7);

    set_next(flat, at.root, 2);
    vector = add_vector(flat, 1, 4);
    put(flat, vector, flat->size + 4 + 2 * 4 - vector, 4);
    at.subgraph = add_table(flat, 4);
    set_next(flat, at.subgraph, 0);
    vector = add_vector(flat, 1, 4);
    put(flat, vector, flat->size + 4 + 2 * 3 - vector, 4);
    at.tensor = add_table(flat, 3);
    set_next(flat, at.subgraph, 3);
    vector = add_vector(flat, 1, 4);
    put(flat, vector, flat->size + 4 + 2 * 6 - vector, 4);
    at.operator= add_table(flat, 6);
    set_next(flat, at.operator, 1);
    at.inputs = add_vector(flat, 2, 4);
    put(flat, at.inputs + 4, UINT32_MAX, 4); /* an input that is left out */
    if (options != NULL) {
        set_next(flat, at.operator, 5);
        add_string(flat, options, options_size);
    }
    *ret_places = at;
}

static bool flat_is(const struct flat *flat, enum scan_verdict verdict, const char *rule)
{
    struct scanned scanned;

    scanned_run(flat->bytes, flat->size, &scanned);
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "tflite");
    return scanned_is(&scanned, verdict, rule);
}

static void test_operators(void)
{
    static const struct {
        const char *custom;
        enum scan_verdict verdict;
        const char *rule;
    } cases[] = {
        {NULL, SCAN_ALLOWED, NULL},
        {"TFLite_Detection_PostProcess", SCAN_ALLOWED, NULL},
        {"FlexErf", SCAN_ALLOWED, NULL},
        {"FlexTensorListReserve", SCAN_ALLOWED, NULL},
        {"FlexWriteFile", SCAN_DANGEROUS, "tflite-flex-operator"},
        {"FlexPyFunc", SCAN_DANGEROUS, "tflite-flex-operator"},
        {"FlexSave", SCAN_UNKNOWN, "tflite-flex-unknown"},
        {"FlexMyOwn", SCAN_UNKNOWN, "tflite-flex-unknown"},
        {"VendorOp", SCAN_UNKNOWN, "tflite-custom-operator"},
        {"RunShell", SCAN_DANGEROUS, "tflite-reaching-operator"},
    };
    struct flat flat;
    struct places at;

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        model_of(&flat, cases[i].custom, NULL, 0, &at);
        CU_ASSERT(flat_is(&flat, cases[i].verdict, cases[i].rule));
    }
    /* The code in either of its two fields, as old and new runtimes read it. */
    model_of(&flat, "VendorOp", NULL, 0, &at);
    set_number(&flat, at.code, 0, 0);
    CU_ASSERT(flat_is(&flat, SCAN_UNKNOWN, "tflite-custom-operator"));
    model_of(&flat, "VendorOp", NULL, 0, &at);
    set_number(&flat, at.code, 3, 0);
    CU_ASSERT(flat_is(&flat, SCAN_UNKNOWN, "tflite-custom-operator"));
}

/* ["name", node] as a FlexBuffer, all widths one byte. */
static size_t flex_of(const char *name, const struct message *node, uint8_t *out)
{
    size_t used = 0, first, second, vector;

    out[used++] = (uint8_t)strlen(name);
    first = used;
    memcpy(out + used, name, strlen(name) + 1);
    used += strlen(name) + 1;
    out[used++] = (uint8_t)node->size;
    second = used;
    memcpy(out + used, node->bytes, node->size);
    used += node->size;
    out[used++] = 0;
    out[used++] = 2;
    vector = used;
    out[used] = (uint8_t)(used - first);
    used++;
    out[used] = (uint8_t)(used - second);
    used++;
    out[used++] = 5 << 2;
    out[used++] = 5 << 2;
    out[used] = (uint8_t)(used - vector);
    used++;
    out[used++] = 10 << 2;
    out[used++] = 1;
    return used;
}

/* What is run is the NodeDef in the options, whatever the operator is called. */
static void test_flex_nodes(void)
{
    struct message node = {0};
    uint8_t options[256];
    struct flat flat;
    struct places at;
    const uint8_t *string;
    size_t size;

    message_text(&node, 1, "a");
    message_text(&node, 2, "AddV2");
    size = flex_of("AddV2", &node, options);
    model_of(&flat, "FlexAddV2", options, size, &at);
    CU_ASSERT(flat_is(&flat, SCAN_ALLOWED, NULL));
    memset(&node, 0, sizeof node);
    message_text(&node, 1, "a");
    message_text(&node, 2, "WriteFile");
    size = flex_of("AddV2", &node, options);
    model_of(&flat, "FlexAddV2", options, size, &at);
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tensorflow-file"));

    /* Every byte of the options changed, and every one cut: never out of bounds (a sanitizer watches). */
    CU_ASSERT_EQUAL(flexbuffer_string(options, size, 0, &string, &size), 0);
    CU_ASSERT(size == 5 && memcmp(string, "AddV2", 5) == 0);
    size = flex_of("AddV2", &node, options);
    for (size_t i = 0; i < size; i++) {
        uint8_t changed[256];
        size_t got;

        for (unsigned value = 0; value < 256; value++) {
            memcpy(changed, options, size);
            changed[i] = (uint8_t)value;
            if (flexbuffer_string(changed, size, 1, &string, &got) == 0)
                CU_ASSERT(string >= changed && string + got <= changed + size);
        }
        if (flexbuffer_string(options + i, size - i, 1, &string, &got) == 0)
            CU_ASSERT(string >= options + i && string + got <= options + size);
    }
    CU_ASSERT_EQUAL(flexbuffer_string(options, size, 2, &string, &size), -EBADMSG);
}

static void test_bounds(void)
{
    struct flat flat;
    struct places at;

    model_of(&flat, NULL, NULL, 0, &at);
    put(&flat, 0, 0x7fffffff, 4); /* the root */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    put(&flat, at.subgraph, 0x7fffffff, 4); /* a vtable before the file */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    put(&flat, place_of(at.root, 2), 0xfffffff0, 4); /* a vector */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    set_number(&flat, at.operator, 0, 1); /* an operator code */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    set_number(&flat, at.tensor, 2, 1); /* a buffer */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    put(&flat, at.inputs, 1, 4); /* a tensor */
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    set_number(&flat, at.buffer, 1, UINT64_MAX - 1); /* a buffer behind the FlatBuffer */
    set_number(&flat, at.buffer, 2, 100);
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-bounds"));
    model_of(&flat, NULL, NULL, 0, &at);
    set_number(&flat, at.buffer, 1, 16);
    set_number(&flat, at.buffer, 2, 100);
    CU_ASSERT(flat_is(&flat, SCAN_ALLOWED, NULL));
}

/* A file that was cut short is damaged, and no attack. */
static void test_cut(void)
{
    struct flat flat;
    struct places at;
    struct scanned scanned;
    uint32_t whole;

    model_of(&flat, NULL, NULL, 0, &at);
    whole = flat.size;
    for (flat.size = at.root + 4 + 7 * FIELD_BYTES; flat.size < whole; flat.size++) {
        scanned_run(flat.bytes, flat.size, &scanned);
        CU_ASSERT_EQUAL(scanned.summary.verdict, SCAN_UNSCANNED);
    }
}

/* Subgraphs that are all the same one with all the same operators: bounded, and a gap. */
static void test_overlaps(void)
{
    struct flat flat;
    struct places at;
    uint32_t vector;

    model_of(&flat, NULL, NULL, 0, &at);
    set_next(&flat, at.root, 2);
    vector = add_vector(&flat, 4000, 4);
    for (uint32_t i = 0; i < 4000; i++)
        put(&flat, vector + 4 * i, flat.size + 4 + 2 * 4 - (vector + 4 * i), 4);
    at.subgraph = add_table(&flat, 4);
    set_next(&flat, at.subgraph, 0);
    vector = add_vector(&flat, 4000, 4);
    for (uint32_t i = 0; i < 4000; i++)
        put(&flat, vector + 4 * i, flat.size + 4 + 2 * 3 - (vector + 4 * i), 4);
    at.tensor = add_table(&flat, 3);
    CU_ASSERT(flat_is(&flat, SCAN_UNSCANNED, NULL));
}

static void test_texts(void)
{
    static const char code[] = "__import__('os').system('id')";
    struct flat flat;
    struct places at;

    model_of(&flat, NULL, NULL, 0, &at);
    set_next(&flat, at.root, 3);
    add_string(&flat, "MLIR Converted.", 15);
    CU_ASSERT(flat_is(&flat, SCAN_ALLOWED, NULL));
    model_of(&flat, NULL, NULL, 0, &at);
    set_next(&flat, at.root, 3);
    add_string(&flat, code, sizeof code - 1);
    CU_ASSERT(flat_is(&flat, SCAN_DANGEROUS, "tflite-code"));
}

/* Labels in a zip behind the model, as TFLite's metadata has them, make no polyglot of it; what is in them is seen. */
static void test_labels(void)
{
    static const char name[] = "labels.txt", labels[] = "cat dog ";
    struct flat flat;
    struct places at;
    struct scanned scanned;
    uint32_t local, central;

    model_of(&flat, NULL, NULL, 0, &at);
    local = flat.size;
    put(&flat, local, 0x04034b50, 4); /* local header, version 20, stored */
    put(&flat, local + 4, 20, 2);
    put(&flat, local + 14, 0xa1e86e52, 4); /* CRC-32 of the labels */
    put(&flat, local + 18, sizeof labels - 1, 4);
    put(&flat, local + 22, sizeof labels - 1, 4);
    put(&flat, local + 26, sizeof name - 1, 2);
    memcpy(flat.bytes + local + 30, name, sizeof name - 1);
    memcpy(flat.bytes + local + 30 + sizeof name - 1, labels, sizeof labels - 1);
    central = local + 30 + sizeof name - 1 + sizeof labels - 1;
    put(&flat, central, 0x02014b50, 4);
    put(&flat, central + 4, 20, 2);
    put(&flat, central + 6, 20, 2);
    memcpy(flat.bytes + central + 16, flat.bytes + local + 14, 14); /* CRC, sizes, the name's size */
    put(&flat, central + 42, local, 4);
    memcpy(flat.bytes + central + 46, name, sizeof name - 1);
    flat.size = central + 46 + sizeof name - 1;
    put(&flat, flat.size, 0x06054b50, 4);
    put(&flat, flat.size + 8, 1, 2);
    put(&flat, flat.size + 10, 1, 2);
    put(&flat, flat.size + 12, flat.size - central, 4);
    put(&flat, flat.size + 16, central, 4);
    flat.size += 22;

    scanned_run(flat.bytes, flat.size, &scanned);
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "zip+tflite");
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    memcpy(flat.bytes + 4, "none", 4); /* anything else in front of a zip is still told */
    scanned_run(flat.bytes, flat.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNKNOWN, "zip-gap"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"operators of each kind", test_operators},        {"nodes of TensorFlow's in options", test_flex_nodes},
        {"references that lead nowhere", test_bounds},     {"files that were cut short", test_cut},
        {"tables that are all the same", test_overlaps},   {"texts that are code", test_texts},
        {"labels in a zip behind the model", test_labels},
    };

    return harness_run("scan-tflite", tests, HARNESS_COUNT(tests));
}
