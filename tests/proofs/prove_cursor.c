/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded cursor, tried with every sequence of operations up to a length over every buffer of up to MEMORY_MAX
 * bytes. The buffer ends where a page without access begins and starts behind another, so that a byte beyond faults;
 * what each operation returns is worked out beside it on two numbers. LAZARET_PROOFS_LONG makes the sequences one
 * longer.
 */
#include "base/cursor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_MAX 9u

enum kind { NUMBER, BYTES, COPY, SKIP, SUB, SEEK };
static const struct {
    enum kind kind;
    size_t amount;
} operations[] = {
    {NUMBER, 1},      {NUMBER, 2},      {NUMBER, 4},       {NUMBER, 8},      {BYTES, 0},
    {BYTES, 1},       {BYTES, 3},       {BYTES, SIZE_MAX}, {COPY, 0},        {COPY, 5},
    {COPY, SIZE_MAX}, {SKIP, 0},        {SKIP, 1},         {SKIP, SIZE_MAX}, {SKIP, SIZE_MAX / 2 + 1},
    {SUB, 2},         {SUB, SIZE_MAX},  {SEEK, 0},         {SEEK, 4},        {SEEK, 9},
    {SEEK, 10},       {SEEK, SIZE_MAX},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])

static unsigned long long cases, failures;

static void expect(bool good, size_t size, size_t offset, size_t operation)
{
    cases++;
    if (!good && failures++ < 10)
        (void)printf("FAILED: %zu bytes, at %zu, operation %zu\n", size, offset, operation);
}

static int read_number(struct cursor *cursor, size_t width, uint64_t *ret_value)
{
    uint8_t u8 = 77;
    uint16_t u16 = 77;
    uint32_t u32 = 77;
    uint64_t u64 = 77;
    int r = width == 1   ? cursor_read_u8(cursor, &u8)
            : width == 2 ? cursor_read_u16le(cursor, &u16)
            : width == 4 ? cursor_read_u32le(cursor, &u32)
                         : cursor_read_u64le(cursor, &u64);

    *ret_value = width == 1 ? u8 : width == 2 ? u16 : width == 4 ? u32 : u64;
    return r;
}

/* Applies an operation and checks it; the cursor stands where the model says it must. */
static void apply(struct cursor *cursor, size_t operation)
{
    const struct cursor before = *cursor;
    const size_t amount = operations[operation].amount, offset = before.offset;
    const bool seeks = operations[operation].kind == SEEK;
    const bool fits = seeks ? amount <= before.size : amount <= before.size - offset;
    const uint8_t *bytes = NULL;
    struct cursor sub = {.data = NULL};
    uint8_t copy[MEMORY_MAX] = {0};
    uint64_t value = 0, right = 0;
    int r = 0;

    switch (operations[operation].kind) {
    case NUMBER:
        r = read_number(cursor, amount, &value);
        for (size_t i = amount; fits && i-- > 0;)
            right = right << 8 | before.data[offset + i];
        expect(value == (fits ? right : 77), before.size, offset, operation);
        break;
    case BYTES:
        r = cursor_read_bytes(cursor, amount, &bytes);
        expect(bytes == (fits ? before.data + offset : NULL), before.size, offset, operation);
        break;
    case COPY:
        r = cursor_copy(cursor, copy, amount);
        expect(memcmp(copy, fits ? before.data + offset : (const uint8_t[MEMORY_MAX]){0}, fits ? amount : MEMORY_MAX) ==
                   0,
               before.size, offset, operation);
        break;
    case SKIP:
        r = cursor_skip(cursor, amount);
        break;
    case SUB:
        r = cursor_read_sub(cursor, amount, &sub);
        expect(fits ? sub.data == before.data + offset && sub.size == amount && sub.offset == 0 : sub.data == NULL,
               before.size, offset, operation);
        break;
    case SEEK:
        r = cursor_seek(cursor, amount);
        break;
    }
    expect(r == (fits ? 0 : -EBADMSG), before.size, offset, operation);
    expect(cursor->data == before.data && cursor->size == before.size &&
               cursor->offset == (!fits   ? offset
                                  : seeks ? amount
                                          : offset + amount) &&
               cursor_left(cursor) == cursor->size - cursor->offset,
           before.size, offset, operation);
}

static void walk(const struct cursor *cursor, unsigned steps)
{
    for (size_t i = 0; i < OPERATIONS && steps > 0; i++) {
        struct cursor next = *cursor;

        apply(&next, i);
        walk(&next, steps - 1);
    }
}

int main(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const unsigned steps = getenv("LAZARET_PROOFS_LONG") != NULL ? 5 : 4;
    uint8_t *pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_READ | PROT_WRITE) < 0)
        return 1;
    for (size_t i = 0; i < page; i++)
        pages[page + i] = (uint8_t)(i * 37 + 1);
    for (size_t size = 0; size <= MEMORY_MAX; size++) {
        const struct cursor at_end = cursor_over(pages + 2 * page - size, size),
                            at_start = cursor_over(pages + page, size);

        walk(&at_end, steps);
        walk(&at_start, 2);
    }
    (void)printf("cursor: sequences of %u out of %zu operations, %llu checks, %llu wrong\n", steps, OPERATIONS, cases,
                 failures);
    return failures == 0 ? 0 : 1;
}
