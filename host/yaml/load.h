/* SPDX-License-Identifier: Apache-2.0 */
/* YAML files of people (policy, spec) into structures, by a libcyaml schema and within bounds. */
#ifndef LAZARET_HOST_YAML_LOAD_H
#define LAZARET_HOST_YAML_LOAD_H

#include "base/error.h"

#include <cyaml/cyaml.h>
#include <stddef.h>

#define YAML_DEPTH_MAX  16u    /* mappings and sequences within one another */
#define YAML_EVENTS_MAX 32768u /* scalars, and starts and ends of collections */

/*
 * Loads exactly one document. Unknown and repeated keys, anchors, aliases, tags, a second document
 * and an empty file are refused. ERROR_BAD_INPUT, -EBADMSG: "NAME: near line N: REASON", harmless
 * for a terminal. Free *ret_data with strict_yaml_free() and the same schema.
 */
MUST_USE int strict_yaml_load(const void *text, size_t size, const char *name, const cyaml_schema_value_t *schema,
                              cyaml_data_t **ret_data, struct error *err);

/* NULL is fine. (The prefix yaml_ is libyaml's, whose own yaml_free it would take over.) */
void strict_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *data);

#endif
