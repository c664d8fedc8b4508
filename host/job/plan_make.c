/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, made from policy and data alone. */
#include "host/job/plan_make.h"

#include "host/job/plan_checks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_BYTES   (UINT64_C(4) << 20)
#define WINDOW_SAMPLES 4096u

uint32_t plan_make_window(uint64_t elements)
{
    uint64_t samples = WINDOW_BYTES / (elements * sizeof(float));

    if (samples == 0)
        return 1;
    return samples < WINDOW_SAMPLES ? (uint32_t)samples : WINDOW_SAMPLES;
}

/* --- contract and sets --------------------------------------------------------------------------------- */

static int make_contract(const struct data_description *description, struct plan_contract *contract, struct error *err)
{
    const struct data_contract *spec = &description->contract;
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];
    const struct data_set_description *train = &description->sets[DATA_SET_TRAIN];

    if (train->present &&
        (train->rank != test->rank || memcmp(train->dims, test->dims, test->rank * sizeof test->dims[0]) != 0))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                         "the training set's inputs have another shape than the test set's");
    (void)snprintf(contract->input, sizeof contract->input, "%s", spec->input);
    (void)snprintf(contract->output, sizeof contract->output, "%s", spec->output);
    contract->rank = test->rank;
    memcpy(contract->dims, test->dims, test->rank * sizeof test->dims[0]);
    contract->has_range = spec->has_range;
    contract->range_low = spec->has_range ? spec->range_low : 0;
    contract->range_high = spec->has_range ? spec->range_high : 0;
    contract->channels = spec->channels;
    memcpy(contract->scale, spec->scale, spec->channels * sizeof spec->scale[0]);
    memcpy(contract->offset, spec->offset, spec->channels * sizeof spec->offset[0]);
    contract->classes = spec->classes;
    return 0;
}

/* The features come in one window, a trigger and its mask together. */
static uint32_t make_window(enum data_set_id id, const struct data_set_description *set)
{
    uint32_t window = plan_make_window(set->elements);

    if (id == DATA_SET_FEATURES)
        return DATA_FEATURE_COUNT;
    return id == DATA_SET_TRIGGERS ? (window < 2 ? 2 : window & ~1u) : window;
}

/* Training labels always travel with their inputs, test labels where the policy says so. */
static void make_sets(const struct data_description *description, bool labels, struct plan *plan)
{
    static const enum plan_set_id ids[DATA_SET_COUNT] = {[DATA_SET_TEST] = PLAN_SET_TEST,
                                                         [DATA_SET_TRAIN] = PLAN_SET_TRAIN,
                                                         [DATA_SET_TRIGGERS] = PLAN_SET_TRIGGERS,
                                                         [DATA_SET_FEATURES] = PLAN_SET_FEATURES};

    _Static_assert((unsigned)DATA_FEATURE_COUNT == (unsigned)PLAN_FEATURE_COUNT &&
                       (unsigned)DATA_FEATURE_LOW == (unsigned)PLAN_FEATURE_LOW &&
                       (unsigned)DATA_FEATURE_HIGH == (unsigned)PLAN_FEATURE_HIGH &&
                       (unsigned)DATA_FEATURE_EPS_SCALE == (unsigned)PLAN_FEATURE_EPS_SCALE &&
                       (unsigned)DATA_FEATURE_MASK == (unsigned)PLAN_FEATURE_MASK &&
                       (unsigned)DATA_FEATURE_KIND == (unsigned)PLAN_FEATURE_KIND,
                   "the reader serves features in the plan's order");

    for (unsigned i = 0; i < DATA_SET_COUNT; i++) {
        const struct data_set_description *set = &description->sets[i];

        if (set->present)
            plan->sets[ids[i]] = (struct plan_set){.present = true,
                                                   .labelled = i == DATA_SET_TRAIN || (i == DATA_SET_TEST && labels),
                                                   .count = set->count,
                                                   .window = make_window(i, set)};
    }
}

/* The policy's class unless the command line names one; the verdict then says that it is not the policy's. */
static enum plan_arithmetic choose_arithmetic(const struct policy *policy, enum job_arithmetic asked)
{
    if (asked == JOB_ARITHMETIC_AUTO)
        return policy->arithmetic == POLICY_FMA ? PLAN_FMA : PLAN_MUL_ADD;
    return asked == JOB_ARITHMETIC_FMA ? PLAN_FMA : PLAN_MUL_ADD;
}

/* A device has the bits of one class of arithmetic, and its kernels are its own. */
static int check_device(const struct job_options *options, enum plan_arithmetic arithmetic, struct error *err)
{
    if (options->device == JOB_DEVICE_CPU)
        return 0;
    if (arithmetic != PLAN_FMA)
        return error_set(
            err, ERROR_USAGE, -EINVAL,
            "--device opencl computes in the arithmetic fma, and this job's is mul-add: take a policy with "
            "`arithmetic: fma`, or add --arithmetic fma");
    if (options->kernels != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--kernels chooses among the processor's; with --device opencl there is none to choose");
    return 0;
}

int plan_make(const struct admission *admission, const struct job_options *options, struct plan_made *ret_made,
              struct error *err)
{
    struct plan *plan = &ret_made->plan;
    int r;

    memset(ret_made, 0, sizeof *ret_made);
    r = make_contract(admission->description, &plan->contract, err);
    if (r < 0)
        return r;
    plan->arithmetic = choose_arithmetic(&admission->policy, options->arithmetic);
    r = check_device(options, plan->arithmetic, err);
    if (r < 0)
        return r;
    plan->threads = options->isolation == VM_PROCESS ? options->vcpus : 0;
    plan->batch = options->batch;
    (void)snprintf(plan->isa, sizeof plan->isa, "%s",
                   options->device == JOB_DEVICE_OPENCL ? "opencl"
                   : options->kernels != NULL           ? options->kernels
                                                        : "");
    plan->model_size = admission->model_size;
    memcpy(plan->model_sha256, admission->model_sha256, SHA256_SIZE);
    plan->reference_size = admission->reference_size;
    memcpy(plan->reference_sha256, admission->reference_sha256, SHA256_SIZE);
    make_sets(admission->description, admission->policy.labels, plan);
    plan_checks_make(admission, options, ret_made);
    return 0;
}
