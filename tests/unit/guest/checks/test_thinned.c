/* SPDX-License-Identifier: Apache-2.0 */
/* Thinning: evenly spread over the stream, as many as the host expects. */
#include "guest/checks/thinned.h"
#include "unit/harness.h"

static void test_evenly(void)
{
    for (uint32_t limit = 0; limit <= 9; limit++)
        for (uint64_t count = 0; count <= 100; count++) {
            struct thinned thinned;
            struct point point;
            uint64_t stride = 1;

            thinned_start(&thinned, limit);
            for (uint64_t i = 0; i < count; i++)
                CU_ASSERT_EQUAL(thinned_add(&thinned, (double)i, -1.0, i % 2), 0);
            CU_ASSERT_EQUAL(thinned.count, points_sent(count, limit));
            while (limit > 0 && (count + stride - 1) / stride > limit)
                stride *= 2;
            for (uint32_t i = 0; i < thinned.count; i++) {
                CU_ASSERT_EQUAL(points_read(thinned.bytes, (size_t)thinned.count * POINTS_SIZE, i, &point), 0);
                CU_ASSERT_EQUAL((uint64_t)point.x, i * stride);
            }
            thinned_free(&thinned);
        }
}

/* The wire takes finite numbers only. */
static void test_beyond_f32(void)
{
    uint8_t bytes[POINTS_SIZE];
    struct point point;

    points_write(1e300, -1e300, 1, bytes);
    CU_ASSERT_EQUAL(points_read(bytes, sizeof bytes, 0, &point), 0);
    CU_ASSERT(point.x > 3e38f && point.y < -3e38f && point.cluster == 1);
    CU_ASSERT(points_read(bytes, sizeof bytes, 1, &point) < 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"evenly spread, as many as expected", test_evenly},
        {"numbers beyond f32", test_beyond_f32},
    };

    return harness_run("thinned", tests, HARNESS_COUNT(tests));
}
