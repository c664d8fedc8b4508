/* SPDX-License-Identifier: Apache-2.0 */
/* The input contract's file, spec.yaml; docs/spec.md has every key. */
#ifndef LAZARET_HOST_DATA_SPEC_H
#define LAZARET_HOST_DATA_SPEC_H

#include "host/data/description.h"

#define SPEC_SIZE_MAX 65536u /* bytes of the file */

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

struct spec {
    struct data_contract contract; /* channels, scale and offset not filled in yet */
    struct spec_arrangement arrangement;
    struct spec_normalisation normalisation;
};

/* The contract where there is no file: no range, nothing scaled, any layout. */
void spec_default(struct spec *ret_spec);

/*
 * Parses `size` bytes of YAML; unknown and doubled keys are refused. ERROR_BAD_INPUT names line or
 * key, and the remedy. *ret_spec is large (some 100 KiB) and written only on success.
 */
MUST_USE int spec_parse(const void *yaml, size_t size, struct spec *ret_spec, struct error *err);

/*
 * Turns scale, mean and standard deviation into the contract's pairs for samples of this shape (in
 * the model's layout): x' = (x·scale − mean)/std = x·(scale/std) + (−mean/std). Checks the layout
 * against the rank. ERROR_BAD_INPUT.
 */
MUST_USE int spec_resolve(struct spec *spec, uint32_t rank, const uint64_t *dims, struct error *err);

#endif
