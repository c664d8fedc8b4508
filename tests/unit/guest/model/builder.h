/* SPDX-License-Identifier: Apache-2.0 */
/* Writes ONNX files by hand: just enough protobuf to say things that no exporter would. */
#ifndef LAZARET_TESTS_GUEST_MODEL_BUILDER_H
#define LAZARET_TESTS_GUEST_MODEL_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#define BUILDER_MAX ((size_t)64 * 1024 * 1024)

struct bytes { /* grows; never freed by halves: bytes_free */
    uint8_t *data;
    size_t size, capacity;
};

void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_free(struct bytes *bytes);

/* Fields of a message. */
void put_varint(struct bytes *to, unsigned field, uint64_t value);
void put_float(struct bytes *to, unsigned field, float value);
void put_bytes(struct bytes *to, unsigned field, const void *data, size_t size);
void put_text(struct bytes *to, unsigned field, const char *text);
void put_message(struct bytes *to, unsigned field, struct bytes *message); /* frees the message */

/* Attributes of a NodeProto. */
void attribute_int(struct bytes *node, const char *name, int64_t value);
void attribute_float(struct bytes *node, const char *name, float value);
void attribute_text(struct bytes *node, const char *name, const char *value);
void attribute_ints(struct bytes *node, const char *name, size_t count, const int64_t *values);
void attribute_tensor(struct bytes *node, const char *name, struct bytes *tensor);

/* A NodeProto; inputs and outputs separated by blanks, "_" is an empty name. */
struct bytes node_make(const char *op, const char *inputs, const char *outputs);

/* TensorProto, with its data as raw_data; NULL data: zeros. */
struct bytes tensor_floats(const char *name, size_t rank, const int64_t *dims, const float *data);
struct bytes tensor_int64(const char *name, size_t rank, const int64_t *dims, const int64_t *data);

struct file { /* a model that is being written */
    struct bytes graph;
    int64_t opset;
};

struct file file_start(int64_t opset);
void file_node(struct file *file, struct bytes node);
void file_simple(struct file *file, const char *op, const char *inputs, const char *outputs);
void file_initializer(struct file *file, struct bytes tensor);
void file_floats(struct file *file, const char *name, size_t rank, const int64_t *dims);
void file_int64(struct file *file, const char *name, size_t count, const int64_t *values);
/* float32; a dimension of -1 is written as a name, one of -2 left open. */
void file_input(struct file *file, const char *name, size_t rank, const int64_t *dims);
void file_output(struct file *file, const char *name);
struct bytes file_finish(struct file *file);

#endif
