/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector that a guest has taken over: its records as the monitor reads them, from the socket to the results they
 * are filed in, against a plan that they know nothing of.
 */
#include "fuzz/stream_file.h"
#include "host/collect/record.h"
#include "host/job/results.h"
#include "unit/vsock-proto/wire/samples.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown of the guest is printable, and what is scored lies within the model's classes. */
static void check_results(const struct results *results)
{
    for (uint32_t i = 0; i < results->plan->check_count; i++) {
        const struct results_check *check = &results->checks[i];

        for (const char *c = check->skipped; *c != '\0'; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                abort();
        if (check->cluster_count > results->classes)
            abort();
        for (uint64_t k = 0; check->points[0][0].predictions != NULL && k < results->plan->sets[PLAN_SET_TEST].count;
             k++)
            if (check->points[0][0].predictions[k] != 0 &&
                (uint32_t)check->points[0][0].predictions[k] >= results->classes)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer storage = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    CLEANUP_RESULTS struct results *results = NULL;
    struct record record;
    struct error err = {0};
    int fd = stream_of(data, size);

    if (results_create(sample_plan(), NULL, &results, NULL) < 0)
        abort();
    while (record_read(fd, &storage, &record, UINT64_MAX) == 0) {
        struct message message;

        if (record_to_message(&record, &message) == 0 && results_take(results, &message, &err) < 0)
            break; /* the job ends here */
    }
    check_results(results);
    return 0;
}
