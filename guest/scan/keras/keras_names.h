/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the classes, functions and modules that a Keras configuration names. */
#ifndef LAZARET_GUEST_SCAN_KERAS_NAMES_H
#define LAZARET_GUEST_SCAN_KERAS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that need not end in a NUL. */
struct keras_name {
    const char *bytes; /* NULL: none was given */
    size_t size;
};

enum keras_known {
    KERAS_UNKNOWN,       /* no table has it: somebody's own class, to be registered by the program that loads */
    KERAS_HARMLESS,      /* Keras's own, or a plain value */
    KERAS_LAMBDA,        /* the layer that calls any function */
    KERAS_LAMBDA_CODE,   /* "__lambda__": a function's bytecode */
    KERAS_LOOKUP,        /* a layer whose vocabulary may be a path */
    KERAS_OPERATOR,      /* a layer that calls TensorFlow's functions or operators by name */
    KERAS_LOADS,         /* a layer that loads another model, by another loader */
    KERAS_TYPE,          /* "__typespec__" */
    KERAS_FUNCTION,      /* "function": the config is its name */
    KERAS_UNSAFE_CALL,   /* a function of Keras or TensorFlow that reads, writes, fetches, or lifts the safe mode */
    KERAS_UNSAFE_MODULE, /* of a module that has no layers, and runs code or reaches out */
};

/*
 * Judges a class's or function's name as Keras finds it: by module where there is one (importlib.import_module), else
 * among its own. The name may be "package>Name", as registered. *ret_reason, written where the answer is not HARMLESS
 * or UNKNOWN, says why.
 */
enum keras_known keras_judge(struct keras_name module, struct keras_name name, bool is_function,
                             const char **ret_reason);

/* What a TensorFlow function by its public name does ("math.add", "io.read_file", "raw_ops.PyFunc"). */
enum keras_known keras_judge_tensorflow(struct keras_name name, const char **ret_reason);

/* Whether a name can be one at all: letters, digits, underscores, dots. */
bool keras_is_identifier(struct keras_name name);

#endif
