/* SPDX-License-Identifier: Apache-2.0 */
/* A data set in the making: what set.c and set_check.c share. */
#ifndef LAZARET_HOST_DATA_SET_INTERNAL_H
#define LAZARET_HOST_DATA_SET_INTERNAL_H

#include "host/data/set.h"
#include "host/data/source.h"

#define SET_BLOCK_ELEMENTS ((size_t)16384)
#define SET_ITEM_MAX       8u /* bytes of one element of any type */

struct data_set {
    struct source *source;
    const struct spec *spec;
    bool labelled;
    struct npy_header x, y;       /* as the file has them */
    uint32_t rank;                /* of one sample, in the file's order */
    uint64_t dims[DATA_RANK_MAX]; /* likewise; the spec's shape, or with a channel put in, where so */
    uint64_t elements;            /* of one sample */
    bool validated;
    uint8_t x_sha256[SHA256_SIZE], y_sha256[SHA256_SIZE]; /* of all values as streamed, from the first pass */
    /* The stream under way. */
    struct source_array *stream;
    uint64_t next; /* sample */
    struct sha256 hash;
    /* One block, or one sample where samples are rearranged. */
    size_t block_elements;
    uint8_t *raw;
    float *values, *rearranged;
};

/* The values of one block as they stand in the file, the first at element `position` of the whole array. */
struct set_survey {
    const struct data_set *set;
    float min, max;
};

/* Every value finite, within the range, and as the spec's features want it. ERROR_BAD_INPUT names the place. */
MUST_USE int set_check_values(struct set_survey *survey, const float *values, uint64_t position, size_t count,
                              struct error *err);

/* A label out of range, as the file has it. */
int set_refuse_label(const struct data_set *set, uint64_t index, int64_t raw, struct error *err);

/*
 * The dims of one sample of an array of this header, `what` naming it: the spec's shape where it gives one, and a
 * channel put in where images come without.
 */
MUST_USE int set_sample_dims(const struct spec *spec, const struct npy_header *header, const char *what,
                             uint32_t *ret_rank, uint64_t ret_dims[DATA_RANK_MAX], struct error *err);

#endif
