/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers. */
#include "guest/checks/random.h"

#define RANDOM_INCREMENT UINT64_C(0x9e3779b97f4a7c15)

static void hash_u64(struct sha256 *hash, uint64_t value)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    sha256_update(hash, bytes, sizeof bytes);
}

void random_start(struct random_stream *stream, const uint8_t seed[SHA256_SIZE], uint64_t a, uint64_t b)
{
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];

    sha256_start(&hash);
    sha256_update(&hash, seed, SHA256_SIZE);
    hash_u64(&hash, a);
    hash_u64(&hash, b);
    sha256_finish(&hash, digest);
    stream->state = 0;
    for (unsigned i = 0; i < 8; i++)
        stream->state |= (uint64_t)digest[i] << (8 * i);
}

uint64_t random_u64(struct random_stream *stream)
{
    uint64_t z = stream->state += RANDOM_INCREMENT;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_below(struct random_stream *stream, uint64_t bound)
{
    uint64_t surplus = (UINT64_MAX % bound + 1) % bound; /* of 2^64 over whole multiples of bound */
    uint64_t value;

    do
        value = random_u64(stream);
    while (value > UINT64_MAX - surplus);
    return value % bound;
}

double random_unit(struct random_stream *stream)
{
    return (double)(random_u64(stream) >> 11) * 0x1p-53;
}
