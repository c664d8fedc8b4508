/* SPDX-License-Identifier: Apache-2.0 */
/* Writes ONNX files by hand. Field numbers are those of onnx.proto. */
#include "unit/guest/model/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = (bytes->size + size) * 2 + 64;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL)
            abort();
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

static void add_varint(struct bytes *to, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        bytes_add(to, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

void put_varint(struct bytes *to, unsigned field, uint64_t value)
{
    add_varint(to, (uint64_t)field << 3);
    add_varint(to, value);
}

void put_float(struct bytes *to, unsigned field, float value)
{
    add_varint(to, (uint64_t)field << 3 | 5);
    bytes_add(to, &value, sizeof value);
}

void put_bytes(struct bytes *to, unsigned field, const void *data, size_t size)
{
    add_varint(to, (uint64_t)field << 3 | 2);
    add_varint(to, size);
    bytes_add(to, data, size);
}

void put_text(struct bytes *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

void put_message(struct bytes *to, unsigned field, struct bytes *message)
{
    put_bytes(to, field, message->data, message->size);
    bytes_free(message);
}

/* --- attributes: name 1, f 2, i 3, s 4, t 5, ints 8, type 20 --------------------------------------- */

static void finish_attribute(struct bytes *node, struct bytes *attribute, unsigned type)
{
    put_varint(attribute, 20, type);
    put_message(node, 5, attribute);
}

void attribute_int(struct bytes *node, const char *name, int64_t value)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    put_varint(&attribute, 3, (uint64_t)value);
    finish_attribute(node, &attribute, 2);
}

void attribute_float(struct bytes *node, const char *name, float value)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    put_float(&attribute, 2, value);
    finish_attribute(node, &attribute, 1);
}

void attribute_text(struct bytes *node, const char *name, const char *value)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    put_text(&attribute, 4, value);
    finish_attribute(node, &attribute, 3);
}

void attribute_ints(struct bytes *node, const char *name, size_t count, const int64_t *values)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    for (size_t i = 0; i < count; i++)
        put_varint(&attribute, 8, (uint64_t)values[i]);
    finish_attribute(node, &attribute, 7);
}

void attribute_tensor(struct bytes *node, const char *name, struct bytes *tensor)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    put_message(&attribute, 5, tensor);
    finish_attribute(node, &attribute, 4);
}

/* --- nodes and tensors ------------------------------------------------------------------------------ */

static void put_names(struct bytes *to, unsigned field, const char *names)
{
    while (*names != '\0') {
        size_t size = strcspn(names, " ");

        if (size == 1 && *names == '_')
            put_bytes(to, field, names, 0);
        else
            put_bytes(to, field, names, size);
        names += size + (names[size] == ' ');
    }
}

struct bytes node_make(const char *op, const char *inputs, const char *outputs)
{
    struct bytes node = {0};
    char name[128];

    (void)snprintf(name, sizeof name, "n_%.*s", (int)strcspn(outputs, " "), outputs);
    put_names(&node, 1, inputs);
    put_names(&node, 2, outputs);
    put_text(&node, 3, name);
    put_text(&node, 4, op);
    return node;
}

static struct bytes tensor_raw(const char *name, unsigned type, size_t rank, const int64_t *dims, const void *data,
                               size_t width)
{
    struct bytes tensor = {0};
    size_t elements = 1;
    void *zeros;

    for (size_t i = 0; i < rank; i++) {
        put_varint(&tensor, 1, (uint64_t)dims[i]);
        elements *= (size_t)dims[i];
    }
    put_varint(&tensor, 2, type);
    put_text(&tensor, 8, name);
    zeros = calloc(elements + 1, width);
    put_bytes(&tensor, 9, data != NULL ? data : zeros, elements * width);
    free(zeros);
    return tensor;
}

struct bytes tensor_floats(const char *name, size_t rank, const int64_t *dims, const float *data)
{
    return tensor_raw(name, 1, rank, dims, data, sizeof *data);
}

struct bytes tensor_int64(const char *name, size_t rank, const int64_t *dims, const int64_t *data)
{
    return tensor_raw(name, 7, rank, dims, data, sizeof *data);
}

/* --- the file ---------------------------------------------------------------------------------------- */

struct file file_start(int64_t opset)
{
    return (struct file){.opset = opset};
}

void file_node(struct file *file, struct bytes node)
{
    put_message(&file->graph, 1, &node);
}

void file_simple(struct file *file, const char *op, const char *inputs, const char *outputs)
{
    file_node(file, node_make(op, inputs, outputs));
}

void file_initializer(struct file *file, struct bytes tensor)
{
    put_message(&file->graph, 5, &tensor);
}

void file_floats(struct file *file, const char *name, size_t rank, const int64_t *dims)
{
    file_initializer(file, tensor_floats(name, rank, dims, NULL));
}

void file_int64(struct file *file, const char *name, size_t count, const int64_t *values)
{
    int64_t dims[1] = {(int64_t)count};

    file_initializer(file, tensor_int64(name, 1, dims, values));
}

void file_input(struct file *file, const char *name, size_t rank, const int64_t *dims)
{
    struct bytes shape = {0}, tensor = {0}, type = {0}, info = {0};

    for (size_t i = 0; i < rank; i++) {
        struct bytes dim = {0};

        if (dims[i] == -1)
            put_text(&dim, 2, "batch");
        else if (dims[i] != -2)
            put_varint(&dim, 1, (uint64_t)dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_varint(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(&file->graph, 11, &info);
}

void file_output(struct file *file, const char *name)
{
    struct bytes info = {0};

    put_text(&info, 1, name);
    put_message(&file->graph, 12, &info);
}

struct bytes file_finish(struct file *file)
{
    struct bytes model = {0}, opset = {0};

    put_varint(&model, 1, 8);
    put_text(&opset, 1, "");
    put_varint(&opset, 2, (uint64_t)file->opset);
    put_message(&model, 8, &opset);
    put_message(&model, 7, &file->graph);
    return model;
}
