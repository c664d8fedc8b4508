/* SPDX-License-Identifier: Apache-2.0 */
/* The spec's document as libcyaml builds it: pointers are NULL and enumerations 0 where a key is absent. Internal. */
#ifndef LAZARET_HOST_DATA_SPEC_DOCUMENT_H
#define LAZARET_HOST_DATA_SPEC_DOCUMENT_H

#include "host/data/spec.h"

#include <cyaml/cyaml.h>

struct document_feature {
    char *name, *group;
    enum spec_feature_kind kind;
    double *range, *eps_scale;
    unsigned range_count;
    unsigned immutable; /* 0 or 1 */
};

struct document_values {
    char *file;
    double *values;
    unsigned values_count;
};

/* Schemas of one entry of `features`, and of what `mask` and `epsScale` hold. */
extern const cyaml_schema_value_t spec_document_feature;
extern const cyaml_schema_field_t spec_document_values[];

/* Into the spec; `values` by enum data_array, NULL where the key is absent. Errors name the key. */
MUST_USE int spec_take_features(const struct document_feature *features, unsigned count, struct spec *spec,
                                struct error *err);
MUST_USE int spec_take_values(const struct document_values *const values[DATA_ARRAY_COUNT], struct spec *spec,
                              struct error *err);

#endif
