/* SPDX-License-Identifier: Apache-2.0 */
/* The image recipe: two builds give the same bytes. */
#include "vm/boot/helpers.h"

#include "host/vm/image_store.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

static char first[SHA256_HEX_SIZE];

static void test_reproducible(void)
{
    struct image *again = helper_open_image();

    CU_ASSERT_PTR_NOT_NULL(again);
    if (again != NULL)
        CU_ASSERT_STRING_EQUAL(image_digest(again), first);
    image_free(again);
}

static void test_no_agent(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct image_build_options options = {.recipe = "images/build", .agent = "/nonexistent"};
    char digest[SHA256_HEX_SIZE];

    CU_ASSERT_TRUE(image_store_build(&options, digest, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"two builds, one digest", test_reproducible},
        {"no such agent", test_no_agent},
    };
    struct image *image;

    helper_use_state();
    image = helper_open_image();
    if (image == NULL)
        return HARNESS_SKIPPED;
    (void)snprintf(first, sizeof(first), "%s", image_digest(image));
    image_free(image);
    return harness_run("vm image", tests, HARNESS_COUNT(tests));
}
