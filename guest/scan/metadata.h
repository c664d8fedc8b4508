/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair of key and text that a format carries along for people and tools: safetensors' __metadata__, GGUF's strings,
 * the entries of a configuration. No loader ought to run one; some do, and some carry payloads for a later stage.
 */
#ifndef LAZARET_GUEST_SCAN_METADATA_H
#define LAZARET_GUEST_SCAN_METADATA_H

#include "guest/scan/scan.h"

#include <stddef.h>

/* Kept in one place as several formats make these findings; they are listed with the format of YAML. */
#define METADATA_RULES 5u
extern const struct scan_rule metadata_rules[METADATA_RULES];

/*
 * Looks at one value, decoded: as a template, as code, as a link to call, as an object that is embedded. A long text
 * of several lines is a document: code in it is told, and is no alarm. Findings are put at `offset`.
 */
MUST_USE int metadata_find(struct scan *scan, const struct scan_object *object, const void *key, size_t key_size,
                           const void *value, size_t value_size, uint64_t offset, struct error *err);

/* The same of a value that is too long to be held: code and objects, [start, start + size) of the object's source. */
MUST_USE int metadata_find_long(struct scan *scan, const struct scan_object *object, const void *key, size_t key_size,
                                uint64_t start, uint64_t size, struct error *err);

#endif
