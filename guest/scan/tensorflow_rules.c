/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for TensorFlow's models. */
#include "guest/scan/tensorflow_graph.h"

const struct scan_rule tensorflow_rules[TENSORFLOW_RULE_COUNT] = {
    [TENSORFLOW_RULE_LENGTH] =
        {"tensorflow-length", SCAN_HIGH,
         "A field says to be larger than any model can be; a loader that believes it runs out of memory."},
    [TENSORFLOW_RULE_PYTHON] = {"tensorflow-python", SCAN_HIGH, "Running the graph calls Python."},
    [TENSORFLOW_RULE_FILE] = {"tensorflow-file", SCAN_HIGH,
                              "Running the graph reads, lists, writes or deletes files of the model's choice."},
    [TENSORFLOW_RULE_NETWORK] = {"tensorflow-network", SCAN_HIGH,
                                 "Running the graph connects to hosts of the model's choice, or listens."},
    [TENSORFLOW_RULE_URL] = {"tensorflow-url", SCAN_HIGH,
                             "An operator sends or writes what it is given to a file or host that the model names."},
    [TENSORFLOW_RULE_SAVE] = {"tensorflow-save", SCAN_HIGH,
                              "Running the graph writes checkpoint files to a place of the model's choice."},
    [TENSORFLOW_RULE_RESTORE] = {"tensorflow-restore", SCAN_MEDIUM,
                                 "Running the graph reads checkpoint files from a place of the model's choice."},
    [TENSORFLOW_RULE_ASSET] = {"tensorflow-asset", SCAN_HIGH,
                               "Loading the model takes a file outside of its folder for one of its assets."},
    [TENSORFLOW_RULE_REACHING] =
        {"tensorflow-reaching-operator", SCAN_HIGH,
         "The operator is none of TensorFlow's, and is called after something that runs code or reaches out."},
    [TENSORFLOW_RULE_UNKNOWN] =
        {"tensorflow-unknown-operator", SCAN_MEDIUM,
         "The operator is none of TensorFlow's: the model runs only with a native library beside it."},
    [TENSORFLOW_RULE_OPAQUE] =
        {"tensorflow-opaque-operator", SCAN_MEDIUM,
         "The operator runs a compiled program that is within the graph, which nobody can read."},
    [TENSORFLOW_RULE_NESTED] = {"tensorflow-nested-graph", SCAN_MEDIUM,
                                "The operator runs a graph that it gets as a string."},
    [TENSORFLOW_RULE_DEBUG] = {"tensorflow-debug", SCAN_MEDIUM,
                               "An operator of TensorFlow's debugger, which no finished model has."},
    [TENSORFLOW_RULE_TABLE] = {"tensorflow-table", SCAN_MEDIUM,
                               "The operator fills a table that the graph does not name."},
    [TENSORFLOW_RULE_OVERRIDE] = {"tensorflow-override", SCAN_MEDIUM,
                                  "A function of the model takes the place of an operator of TensorFlow's."},
};
