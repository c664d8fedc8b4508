/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that belong to the result: a counter-based generator, the same on every machine.
 *
 * A stream is named by the check's seed and two numbers. Its key is the first eight bytes,
 * little-endian, of SHA-256(seed ‖ a ‖ b), a and b as u64 little-endian; its n-th value, n from 1,
 * is SplitMix64's mix (Steele, Lea, Flood 2014) of key + n·0x9e3779b97f4a7c15.
 */
#ifndef LAZARET_GUEST_CHECKS_RANDOM_H
#define LAZARET_GUEST_CHECKS_RANDOM_H

#include "digest/sha256.h"

struct random_stream {
    uint64_t state;
};

void random_start(struct random_stream *stream, const uint8_t seed[SHA256_SIZE], uint64_t a, uint64_t b);

uint64_t random_u64(struct random_stream *stream);

/* Uniform in [0, bound), bound > 0, without bias: values beyond the last whole multiple are drawn
 * again. */
uint64_t random_below(struct random_stream *stream, uint64_t bound);

/* Uniform in [0, 1), a multiple of 2^-53. */
double random_unit(struct random_stream *stream);

#endif
