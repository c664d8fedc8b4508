/* SPDX-License-Identifier: Apache-2.0 */
/* One valid example of each message, and a small plan that they fit. */
#include "unit/vsock-proto/wire/samples.h"

#include <string.h>

#define TEXT(t) ((struct message_text){.data = (t), .size = sizeof(t) - 1})

const struct plan *sample_plan(void)
{
    static const struct plan plan = {
        .arithmetic = PLAN_FMA,
        .threads = 2,
        .batch = 7,
        .isa = "avx2",
        .model_size = 12,
        .model_sha256 = {1, 2, 3},
        .contract = {.input = "input",
                     .output = "",
                     .rank = 3,
                     .dims = {1, 2, 2},
                     .has_range = true,
                     .range_low = -1,
                     .range_high = 1.5,
                     .channels = 1,
                     .scale = {0.5f},
                     .offset = {-0.25f},
                     .classes = 3},
        .sets = {[PLAN_SET_TEST] = {.present = true, .count = 5, .window = 2},
                 [PLAN_SET_TRAIN] = {.present = true, .labelled = true, .count = 4, .window = 4}},
        .check_count = 3,
        .checks = {{.id = PLAN_CLEAN_ACCURACY, .version = 1},
                   {.id = PLAN_FGSM,
                    .version = 1,
                    .attack = {.curve_count = 2,
                               .samples = 1,
                               .curves = {{.norm = PLAN_NORM_INF, .point_count = 2, .eps = {0.1, 0.3}},
                                          {.norm = 2, .point_count = 1, .eps = {1}}}}},
                   {.id = PLAN_ACTIVATION_CLUSTERING,
                    .version = 1,
                    .clustering = {.layer = "fc", .components = 10, .starts = 100, .minimum_class_size = 4}}},
    };

    return &plan;
}

const struct message *sample_messages(void)
{
    static const uint8_t classes[8] = {2, 0, 0, 0, 1, 0, 0, 0}, floats[16] = {0};
    static const uint8_t points[2 * POINTS_SIZE] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1}; /* (1, -2) of 1, (0, 0) of 0 */
    static struct message messages[SAMPLES_COUNT];
    unsigned i = 0;

    if (messages[0].type != 0)
        return messages;
    messages[i++] = (struct message){.type = MESSAGE_HELLO, .hello = {.version = MESSAGE_VERSION, .nonce = {9}}};
    messages[i++] =
        (struct message){.type = MESSAGE_TRANSFER, .transfer = {.kind = MESSAGE_TRANSFER_MODEL, .size = 12}};
    messages[i++] = (struct message){.type = MESSAGE_TRANSFER_END, .transfer_end = {.sha256 = {4}}};
    messages[i++] = (struct message){.type = MESSAGE_CHECK, .check = {.index = 2}};
    messages[i++] = (struct message){.type = MESSAGE_BYE};
    messages[i++] = (struct message){.type = MESSAGE_GUEST_HELLO,
                                     .guest_hello = {.version = MESSAGE_VERSION,
                                                     .nonce = {9},
                                                     .agent = TEXT("lazaret-agent 1"),
                                                     .cpu = TEXT("a processor"),
                                                     .processors = 2,
                                                     .memory_bytes = UINT64_C(1) << 40}};
    messages[i++] = (struct message){
        .type = MESSAGE_READY, .ready = {.classes = 3, .memory_bytes = 1000, .isa = TEXT("avx2"), .layer = TEXT("fc")}};
    messages[i++] = (struct message){.type = MESSAGE_PREDICTIONS,
                                     .predictions = {.count = 2, .classes = {.data = classes, .size = 8}}};
    messages[i++] =
        (struct message){.type = MESSAGE_SAMPLE, .sample = {.check = 1, .elements = {.data = floats, .size = 16}}};
    messages[i++] = (struct message){.type = MESSAGE_CLUSTER,
                                     .cluster = {.check = 2,
                                                 .sizes = {3, 1},
                                                 .test_sizes = {2, 0},
                                                 .silhouette = -0.5,
                                                 .separation = 2.25,
                                                 .index_count = {2, 1},
                                                 .indices = {{0, 1}, {3}}}};
    messages[i++] = (struct message){.type = MESSAGE_PROGRESS, .progress = {.check = 1, .done = 3, .total = 5}};
    messages[i++] = (struct message){.type = MESSAGE_CHECK_DONE,
                                     .check_done = {.check = 0, .cpu_ns = 7, .images = 5, .layer = TEXT("fc")}};
    messages[i++] = (struct message){.type = MESSAGE_FAILURE,
                                     .failure = {.code = MESSAGE_FAILURE_FORBIDDEN_CALL,
                                                 .check = UINT32_MAX,
                                                 .signal = 31,
                                                 .system_call = -1,
                                                 .address = UINT64_MAX,
                                                 .text = TEXT("a worker called socket")}};
    messages[i++] = (struct message){.type = MESSAGE_GOODBYE};
    messages[i++] = (struct message){.type = MESSAGE_ROW,
                                     .row = {.check = 1,
                                             .name = TEXT("conv1.weight"),
                                             .natural_count = 2,
                                             .real_count = 1,
                                             .naturals = {5, ROW_NATURAL_MAX},
                                             .reals = {-0.125}}};
    messages[i++] = (struct message){.type = MESSAGE_READ, .read = {.offset = 5, .size = FRAME_CHUNK_MAX}};
    messages[i++] =
        (struct message){.type = MESSAGE_FINDING,
                         .finding = {.rule = TEXT("pickle-call"),
                                     .severity = SCAN_HIGH,
                                     .offset = MESSAGE_NATURAL_MAX,
                                     .member = TEXT("a.zip!data.pkl"),
                                     .detail = TEXT("calls os.system"),
                                     .effect = TEXT("Runs a program."),
                                     .line_count = 2,
                                     .lines = {{.offset = 3, .text = TEXT("GLOBAL os system")}, {.offset = 9}}}};
    messages[i++] = (struct message){
        .type = MESSAGE_COVERAGE,
        .coverage = {.reason = SCAN_GAP_DAMAGED, .bytes = 7, .places = 1, .offset = 2, .detail = TEXT("cut short")}};
    messages[i++] = (struct message){
        .type = MESSAGE_SCAN_DONE,
        .scan_done = {.verdict = SCAN_DANGEROUS, .format = TEXT("pickle"), .looked = 12, .counts = {0, 0, 0, 1, 0}}};
    messages[i++] = (struct message){
        .type = MESSAGE_POINTS,
        .points = {.check = 2, .label = 1, .set = PLAN_SET_TRAIN, .points = {.data = points, .size = sizeof points}}};
    messages[i++] = (struct message){.type = MESSAGE_IMPORT};
    messages[i++] = (struct message){.type = MESSAGE_SCAN, .scan = {.index = 0, .size = 300000, .name = TEXT("m.pkl")}};
    messages[i++] = (struct message){.type = MESSAGE_UNREADABLE};
    return messages;
}
