/* SPDX-License-Identifier: Apache-2.0 */
/* The digits fixtures of tests/fixtures/checks, read whole. */
#ifndef LAZARET_TESTS_UNIT_GUEST_CHECKS_FIXTURE_H
#define LAZARET_TESTS_UNIT_GUEST_CHECKS_FIXTURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_PIXELS   64u
#define FIXTURE_TEST     450u
#define FIXTURE_TRAIN    1347u
#define FIXTURE_FEATURES 64u
#define FIXTURE_CLASSES  10u

/* A file of exactly `size` bytes, or the program ends: there is nothing to test without it. */
static inline void *fixture_read(const char *name, size_t size)
{
    char path[256];
    void *data = malloc(size);
    FILE *file;

    (void)snprintf(path, sizeof path, "tests/fixtures/checks/%s", name);
    file = fopen(path, "rb");
    if (file == NULL || data == NULL || fread(data, 1, size, file) != size || fgetc(file) != EOF) {
        fprintf(stderr, "%s: can't read %zu bytes\n", path, size);
        exit(1);
    }
    (void)fclose(file);
    return data;
}

/* Inputs that are stored in sixteenths. */
static inline float *fixture_inputs(const char *name, size_t count)
{
    uint8_t *sixteenths = fixture_read(name, count * FIXTURE_PIXELS);
    float *inputs = malloc(count * FIXTURE_PIXELS * sizeof *inputs);

    for (size_t i = 0; inputs != NULL && i < count * FIXTURE_PIXELS; i++)
        inputs[i] = (float)sixteenths[i] / 16.0f;
    free(sixteenths);
    return inputs;
}

#endif
