/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow's operators by name: what each can do beyond computing. */
#ifndef LAZARET_GUEST_SCAN_TENSORFLOW_OPS_H
#define LAZARET_GUEST_SCAN_TENSORFLOW_OPS_H

#include <stdbool.h>
#include <stddef.h>

enum tensorflow_op {
    TENSORFLOW_OP_UNKNOWN,  /* none of TensorFlow's, nor of the packages that go with it */
    TENSORFLOW_OP_COMPUTES, /* what it does stays within the graph */
    TENSORFLOW_OP_REACHING, /* unknown, and called after something that runs code or reaches out */
    TENSORFLOW_OP_PYTHON,   /* calls Python */
    TENSORFLOW_OP_READS,    /* reads files of its choice */
    TENSORFLOW_OP_WRITES,   /* writes, moves or deletes files of its choice */
    TENSORFLOW_OP_NETWORK,  /* connects to hosts of its choice, or listens */
    TENSORFLOW_OP_OPAQUE,   /* runs a program that is within the graph, in a form that is not read */
    TENSORFLOW_OP_GRAPH,    /* runs a graph that is a tensor: scanned where it is a constant */
    TENSORFLOW_OP_DEBUG,    /* sends tensors to where its attribute says */
    /* Of savers: no harm inside a saver, whose paths come from whoever saves. */
    TENSORFLOW_OP_SAVE,
    TENSORFLOW_OP_RESTORE,
    TENSORFLOW_OP_MERGE,
    TENSORFLOW_OP_TABLE_FILE, /* reads a table from a file, in its second input: an asset as a rule */
    TENSORFLOW_OP_TABLE,      /* fills a table from its inputs */
    TENSORFLOW_OP_PATH,       /* makes strings of strings: where a path comes from can be followed through it */
};

enum tensorflow_op tensorflow_op_of(const char *name, size_t size);

/* Whether TensorFlow has an operator of exactly this name, or a version of it. */
bool tensorflow_op_is_own(const char *name, size_t size);

#endif
