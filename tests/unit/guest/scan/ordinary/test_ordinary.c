/* SPDX-License-Identifier: Apache-2.0 */
/* No false alarms: pickles of every estimator, layer and optimiser that is installed, and of Python's own data. */
#include "../made_files.h"

static void allows_every_estimator(void)
{
    CU_ASSERT(made_expect_all("sklearn_", SCAN_ALLOWED) > 100);
}

static void allows_layers_and_optimisers(void)
{
    (void)made_expect_all("torch_", SCAN_ALLOWED); /* none where torch is absent */
}

static void allows_data_of_python_and_numpy(void)
{
    CU_ASSERT(made_expect_all("data_", SCAN_ALLOWED) > 100);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"allows every estimator", allows_every_estimator},
        {"allows layers and optimisers", allows_layers_and_optimisers},
        {"allows data of Python and numpy", allows_data_of_python_and_numpy},
    };

    return made_run("tests/unit/guest/scan/ordinary/make_ordinary.py", "sklearn", "ordinary", tests,
                    HARNESS_COUNT(tests));
}
