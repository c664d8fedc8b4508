/* SPDX-License-Identifier: Apache-2.0 */
/* The input contract's file, spec.yaml; docs/spec.md has every key. */
#ifndef LAZARET_HOST_DATA_SPEC_H
#define LAZARET_HOST_DATA_SPEC_H

#include "host/data/description.h"

#define SPEC_SIZE_MAX         65536u /* bytes of the file */
#define SPEC_FEATURES_MAX     1024u
#define SPEC_FEATURE_NAME_MAX 64u   /* with the final NUL */
#define SPEC_VALUES_MAX       4096u /* of a list under mask or epsScale */

/* How the samples lie in the data set's file, where that is not how the model takes them. */
struct spec_arrangement {
    bool from_nhwc;        /* N×H×W×C in the file, N×C×H×W to the model */
    bool from_nchw;        /* the other way round */
    bool reverse_channels; /* rgb in one, bgr in the other */
};

/* Scale, mean and standard deviation as the file has them, before they meet a sample's shape. */
struct spec_normalisation {
    double scale;                   /* 1 where not given */
    uint32_t mean_count, std_count; /* 0: not given; 1: for all; else one a channel */
    double mean[DATA_CHANNELS_MAX], std[DATA_CHANNELS_MAX];
};

enum spec_feature_kind { SPEC_FEATURE_REAL, SPEC_FEATURE_INTEGER, SPEC_FEATURE_CATEGORICAL };

/* One column of tabular data. */
struct spec_feature {
    char name[SPEC_FEATURE_NAME_MAX];
    bool has_range;
    float low, high;
    enum spec_feature_kind kind;
    uint32_t group; /* of a one-hot group, from 2 on, in the order of first mention; 0: none */
    bool immutable;
    float eps_scale;
};

/* A mask, or factors of eps, for each element: a file or a list, or neither. */
struct spec_values {
    char file[DATA_FILE_NAME_MAX];
    uint32_t count;
    float values[SPEC_VALUES_MAX];
};

struct spec {
    struct data_contract contract; /* channels, scale and offset not filled in yet */
    struct spec_arrangement arrangement;
    struct spec_normalisation normalisation;
    uint32_t shape_rank; /* of a sample as the file has it; 0: as its x says */
    uint64_t shape[DATA_RANK_MAX];
    uint32_t feature_count; /* 0: no such key */
    struct spec_feature features[SPEC_FEATURES_MAX];
    struct spec_values arrays[DATA_ARRAY_COUNT];
};

/* Whether the spec says anything of single elements. */
bool spec_has_features(const struct spec *spec);

/* The contract where there is no file: no range, nothing scaled, any layout. */
void spec_default(struct spec *ret_spec);

/*
 * Parses `size` bytes of YAML; unknown and doubled keys are refused. ERROR_BAD_INPUT names line or
 * key, and the remedy. *ret_spec is large (some 250 KiB) and written only on success.
 */
MUST_USE int spec_parse(const void *yaml, size_t size, struct spec *ret_spec, struct error *err);

/*
 * Turns scale, mean and standard deviation into the contract's pairs for samples of this shape (in
 * the model's layout): x' = (x·scale − mean)/std = x·(scale/std) + (−mean/std). Checks the layout
 * against the rank. ERROR_BAD_INPUT.
 */
MUST_USE int spec_resolve(struct spec *spec, uint32_t rank, const uint64_t *dims, struct error *err);

#endif
