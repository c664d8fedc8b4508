/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: names, refusals, and threads that cover a range once, whatever its length. */
#include "cases.h"
#include "unit/harness.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

static void test_names(void)
{
    for (enum kernel_isa isa = KERNEL_ISA_AUTO; isa <= KERNEL_ISA_AVX512; isa++) {
        enum kernel_isa back = KERNEL_ISA_AVX;

        CU_ASSERT_EQUAL(kernel_isa_from_name(kernel_isa_name(isa), &back), 0);
        CU_ASSERT_EQUAL(back, isa);
    }
    {
        enum kernel_isa untouched = KERNEL_ISA_AVX;

        CU_ASSERT_EQUAL(kernel_isa_from_name("sse9", &untouched), -EINVAL);
        CU_ASSERT_EQUAL(kernel_isa_from_name("", &untouched), -EINVAL);
        CU_ASSERT_EQUAL(untouched, KERNEL_ISA_AVX);
    }
}

static void test_refusals(void)
{
    struct kernels *kernels = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, 0, &kernels, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, KERNEL_THREADS_MAX + 1, &kernels, &err), -EINVAL);
    CU_ASSERT_EQUAL(kernels_create((enum kernel_arithmetic)7, KERNEL_ISA_AUTO, 1, &kernels, &err), -EINVAL);
    CU_ASSERT_EQUAL(kernels_create(KERNEL_FMA, (enum kernel_isa)9, 1, &kernels, &err), -ENOTSUP);
    CU_ASSERT_PTR_NULL(kernels);
}

/* What the CPU has can be had; what it lacks is refused as unavailable; AUTO is the widest. */
static void test_isa(void)
{
    const bool has[] = {
        [KERNEL_ISA_SSE2] = true,
        [KERNEL_ISA_AVX] = __builtin_cpu_supports("avx"),
        [KERNEL_ISA_AVX2] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
        [KERNEL_ISA_AVX512] = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"),
    };
    enum kernel_isa widest = KERNEL_ISA_SSE2;
    struct kernels *kernels = NULL;

    for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++) {
        struct error err = {0};
        int r = kernels_create(KERNEL_MUL_ADD, isa, 1, &kernels, &err);

        CU_ASSERT_EQUAL(r == 0, has[isa]);
        if (r == 0) {
            CU_ASSERT_EQUAL(kernels_isa(kernels), isa);
            kernels_free(kernels);
            widest = isa;
        } else {
            CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
        }
    }
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    CU_ASSERT_EQUAL(kernels_isa(kernels), widest);
    kernels_free(kernels);
    kernels_free(NULL);
}

struct visit {
    unsigned char seen[1000];
    atomic_uint calls;
};

static void visit_range(void *argument, size_t first, size_t last)
{
    struct visit *visit = argument;

    atomic_fetch_add(&visit->calls, 1);
    for (size_t i = first; i < last; i++)
        visit->seen[i]++;
}

static void test_parallel(void)
{
    const unsigned threads[] = {1, 2, 3, 16};
    struct kernels *kernels;

    for (size_t t = 0; t < HARNESS_COUNT(threads); t++) {
        CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, threads[t], &kernels, NULL), 0);
        for (size_t count = 0; count <= 1000; count += count < 40 ? 1 : 37) {
            struct visit visit = {0};
            bool once = true;

            kernels_parallel(kernels, count, visit_range, &visit);
            for (size_t i = 0; i < sizeof(visit.seen); i++)
                once = once && visit.seen[i] == (i < count ? 1 : 0);
            CU_ASSERT_TRUE(once);
            CU_ASSERT_TRUE(atomic_load(&visit.calls) <= threads[t]);
        }
        kernels_free(kernels);
    }
}

int main(void)
{
    const struct harness_test tests[] = {
        {"names", test_names},
        {"refusals", test_refusals},
        {"instruction sets", test_isa},
        {"parallel", test_parallel},
    };

    __builtin_cpu_init();
    return harness_run("kernels: contexts", tests, HARNESS_COUNT(tests));
}
