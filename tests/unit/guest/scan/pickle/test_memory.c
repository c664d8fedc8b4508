/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's memory: what packs well, what does not, and that all of it is bounded and given back. */
#include "guest/scan/pickle/machine.h"
#include "guest/scan/pickle/memo.h"
#include "unit/harness.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BY_MALLOC (512u << 10) /* freed, and counted as used still */
#define DENSE          (8u << 20)   /* bytes; 47 MB of each are in the bench's generator */

static void run(const char *head, const char *unit, size_t unit_size, const char *tail,
                struct pickle_result *ret_result)
{
    const struct pickle_options options = {0};
    const struct pickle_events events = {0};
    size_t used = strlen(head) + 2, before = mallinfo2().uordblks;
    char *bytes = malloc(DENSE + 64);
    struct source *source;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memcpy(bytes, "\x80\x04", 2);
    memcpy(bytes + 2, head, strlen(head));
    for (; used + unit_size < DENSE; used += unit_size)
        memcpy(bytes + used, unit, unit_size);
    memcpy(bytes + used, tail, strlen(tail));
    used += strlen(tail);
    source = source_of_memory(bytes, used);
    CU_ASSERT_EQUAL_FATAL(pickle_run(source, 0, &options, &events, ret_result, NULL), 0);
    source_free(source);
    free(bytes);
    CU_ASSERT(mallinfo2().uordblks <= before + KEPT_BY_MALLOC);
}

static void check_whole(const char *head, const char *unit, size_t unit_size)
{
    struct pickle_result result;

    run(head, unit, unit_size, ".", &result);
    CU_ASSERT_EQUAL(result.end, PICKLE_END_STOP);
    CU_ASSERT_FALSE(result.forgot);
}

static void test_dense(void)
{
    struct pickle_result result;

    check_whole("N", "\x94", 1);
    check_whole("", "]\x94", 2);
    check_whole("", "]})", 3);
    check_whole("", "\x8c\0\x94", 3);
    check_whole("", "K\x01K\x02\x86\x94", 6);
    run("", "(", 1, "", &result);
    CU_ASSERT_EQUAL(result.end, PICKLE_END_DATA);
    CU_ASSERT_FALSE(result.forgot);
    run("", "(]", 2, "", &result);
    CU_ASSERT_EQUAL(result.end, PICKLE_END_DATA);
}

/* Entries that lie far from each other cost a block each: more than there is memory for, and the run goes on. */
static void test_sparse(void)
{
    size_t size = 2u << 20;
    uint8_t *bytes = malloc(size);
    const struct pickle_options options = {0};
    const struct pickle_events events = {0};
    struct pickle_result result;
    struct source *source;
    uint32_t index = 0;
    size_t used = 3;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memcpy(bytes, "\x80\x04N", 3);
    for (; used + 6 < size; used += 5, index += 4099) {
        bytes[used] = 'r';
        memcpy(bytes + used + 1, &index, 4);
    }
    bytes[used++] = '.';
    source = source_of_memory(bytes, used);
    CU_ASSERT_EQUAL(pickle_run(source, 0, &options, &events, &result, NULL), 0);
    CU_ASSERT_EQUAL(result.end, PICKLE_END_STOP);
    CU_ASSERT(result.forgot);
    source_free(source);
    free(bytes);
}

static pickle_value random_value(uint64_t *state, unsigned form)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    switch (form) {
    case 0:
        return pickle_word(PICKLE_NONE, 0);
    case 1:
        return pickle_word((enum pickle_kind)(PICKLE_NONE + (*state >> 40) % 8), 0);
    case 2:
        return pickle_word(PICKLE_STR, 1000000 + (*state >> 40) % 4000);
    case 3:
        return pickle_word((enum pickle_kind)(PICKLE_STR + (*state >> 62)), (*state >> 30) % 100000000);
    default:
        return *state & ((UINT64_C(1) << 57) - 1);
    }
}

static void test_packing(void)
{
    uint64_t state = 7;

    for (unsigned form = 0; form < 5; form++)
        for (unsigned round = 0; round < 20; round++) {
            pickle_value values[BLOCK_VALUES], back[BLOCK_VALUES];
            struct pickle_memory memory = {0};
            struct block *block;

            for (unsigned i = 0; i < BLOCK_VALUES; i++)
                values[i] = random_value(&state, form);
            block = block_pack(&memory, values);
            CU_ASSERT_PTR_NOT_NULL_FATAL(block);
            block_unpack(block, back);
            CU_ASSERT_EQUAL(memcmp(values, back, sizeof values), 0);
            CU_ASSERT_EQUAL(block_get(block, round), values[round]);
            block_free(&memory, block);
            CU_ASSERT_EQUAL(memory.used, 0);
        }
}

/* The stack and the memo against arrays. */
static void test_stack_and_memo(void)
{
    static pickle_value plain[20000], memoized[20000];
    struct pickle_memory memory = {0};
    static struct stack stack;
    struct memo memo;
    uint64_t state = 11;
    size_t used = 0, wrong = 0;

    stack_init(&stack, &memory);
    CU_ASSERT_EQUAL_FATAL(memo_init(&memo, &memory), 0);
    for (unsigned step = 0; step < 200000; step++) {
        pickle_value value = random_value(&state, step / 1000 % 5) | 1;
        uint64_t pick = (state >> 33) % 100, index = (state >> 13) % 20000;

        if (pick < 55 && used < 20000) {
            stack_push(&stack, value);
            plain[used++] = value;
        } else if (pick < 97 && used > 0) {
            wrong += stack_pop(&stack) != plain[--used];
        } else if (pick == 97 && used > 0) {
            used = (size_t)(index % used);
            stack_truncate(&stack, used);
        } else if (used > 0) {
            wrong += stack_at(&stack, index % used) != plain[index % used];
        }
        wrong += stack_size(&stack) != used;
        if (step % 3 == 0) {
            memo_put(&memo, index, value);
            memoized[index] = value;
        } else {
            wrong += memo_get(&memo, index) != memoized[index];
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    stack_free(&stack);
    memo_free(&memo);
    CU_ASSERT_EQUAL(memory.used, 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"dense pickles", test_dense},
        {"sparse memo", test_sparse},
        {"packing", test_packing},
        {"stack and memo", test_stack_and_memo},
    };

    return harness_run("scan-pickle-memory", tests, HARNESS_COUNT(tests));
}
