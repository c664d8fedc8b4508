/* SPDX-License-Identifier: Apache-2.0 */
/* The honest guest without an engine. */
#include "puppet.h"

#include "base/io.h"

#include <string.h>
#include <unistd.h>

#define FRAME_MAX ((size_t)2 * FRAME_PAYLOAD_MAX)
#define TEXT(s)                                                                                                        \
    (struct message_text)                                                                                              \
    {                                                                                                                  \
        .data = (s), .size = sizeof(s) - 1                                                                             \
    }

_Noreturn void puppet_stay(void)
{
    for (;;)
        (void)pause();
}

void puppet_send_bytes(struct puppet *puppet, const void *data, size_t size)
{
    if (io_write_full(puppet->fd, data, size, IO_NO_DEADLINE) < 0)
        puppet_stay(); /* the host has hung up: what is left is to be destroyed */
}

void puppet_send(struct puppet *puppet, const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(FRAME_MAX);

    if (message_encode(message, &frame) == 0)
        puppet_send_bytes(puppet, frame.data, frame.size);
}

void puppet_send_frame(struct puppet *puppet, uint8_t type, const void *payload, uint32_t size)
{
    const struct frame_header header = {.type = type, .size = size};
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_encode_header(&header, bytes);
    puppet_send_bytes(puppet, bytes, sizeof bytes);
    puppet_send_bytes(puppet, payload, size);
}

void puppet_send_patched(struct puppet *puppet, const struct message *message, const void *from, const void *to,
                         size_t size)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(FRAME_MAX);
    uint8_t *place;

    if (message_encode(message, &frame) < 0)
        return;
    place = memmem(frame.data, frame.size, from, size);
    if (place != NULL)
        memcpy(place, to, size);
    puppet_send_bytes(puppet, frame.data, frame.size);
}

static void say(struct puppet *puppet, struct message message)
{
    if (puppet->before == NULL || puppet->before(puppet, &message))
        puppet_send(puppet, &message);
}

/* --- results ---------------------------------------------------------------------------------------- */

static bool predicts(const struct plan_check *check)
{
    return check->id == PLAN_CLEAN_ACCURACY || plan_check_is_attack(check->id);
}

static void predict_point(struct puppet *puppet, uint32_t curve, uint32_t point)
{
    static const uint8_t zeros[PLAN_WINDOW_MAX * 4];
    const struct message_transfer *window = &puppet->transfer;

    say(puppet, (struct message){.type = MESSAGE_PREDICTIONS,
                                 .predictions = {.check = puppet->check,
                                                 .curve = curve,
                                                 .point = point,
                                                 .first = window->first,
                                                 .count = window->count,
                                                 .classes = {.data = zeros, .size = window->count * 4}}});
}

/* The inputs themselves, which are within any norm and range. */
static void return_samples(struct puppet *puppet, uint32_t curve, uint32_t point)
{
    const struct plan_attack *attack = &puppet->plan.checks[puppet->check].attack;
    const struct message_transfer *window = &puppet->transfer;
    uint32_t size = (uint32_t)(plan_sample_elements(&puppet->plan.contract) * sizeof(float));

    for (uint32_t i = 0; i < window->count && window->first + i < attack->samples; i++)
        say(puppet,
            (struct message){.type = MESSAGE_SAMPLE,
                             .sample = {.check = puppet->check,
                                        .curve = curve,
                                        .point = point,
                                        .sample = (uint32_t)window->first + i,
                                        .elements = {.data = puppet->window.data + (size_t)i * size, .size = size}}});
}

static void answer_window(struct puppet *puppet)
{
    const struct plan_check *check = &puppet->plan.checks[puppet->check];

    if (puppet->transfer.set != PLAN_SET_TEST || !predicts(check))
        return;
    if (check->id == PLAN_CLEAN_ACCURACY) {
        predict_point(puppet, 0, 0);
        return;
    }
    for (uint32_t curve = 0; curve < check->attack.curve_count; curve++)
        for (uint32_t point = 0; point < check->attack.curves[curve].point_count; point++) {
            predict_point(puppet, curve, point);
            return_samples(puppet, curve, point);
        }
}

static void finish_check(struct puppet *puppet)
{
    enum plan_check_id id = puppet->plan.checks[puppet->check].id;

    if (id == PLAN_SCAN)
        say(puppet, puppet_example(puppet, MESSAGE_SCAN_DONE));
    if (id == PLAN_FGSM)
        say(puppet, puppet_example(puppet, MESSAGE_ROW));
    for (uint32_t label = 0; id == PLAN_ACTIVATION_CLUSTERING && label < puppet->classes; label++) {
        struct message cluster = puppet_example(puppet, MESSAGE_CLUSTER);

        cluster.cluster.label = label;
        say(puppet, cluster);
    }
    say(puppet, puppet_example(puppet, MESSAGE_CHECK_DONE));
}

struct message puppet_example(const struct puppet *puppet, enum message_type type)
{
    static const uint8_t zeros[4];
    struct message m = {.type = type};

    switch (type) {
    case MESSAGE_GUEST_HELLO:
        m.guest_hello = (struct message_guest_hello){.version = MESSAGE_VERSION,
                                                     .agent = TEXT("puppet"),
                                                     .cpu = TEXT("none"),
                                                     .processors = 1,
                                                     .memory_bytes = 1 << 28};
        memcpy(m.guest_hello.nonce, puppet->nonce, SHA256_SIZE);
        break;
    case MESSAGE_READY:
        m.ready = (struct message_ready){
            .classes = puppet->classes, .memory_bytes = 1 << 20, .isa = TEXT("sse2"), .layer = TEXT("layer")};
        break;
    case MESSAGE_PREDICTIONS:
        m.predictions = (struct message_predictions){
            .check = puppet->check, .count = 1, .classes = {.data = zeros, .size = sizeof zeros}};
        break;
    case MESSAGE_SAMPLE:
        m.sample = (struct message_sample){.check = puppet->check, .elements = {.data = zeros, .size = sizeof zeros}};
        break;
    case MESSAGE_CLUSTER:
        m.cluster = (struct message_cluster){
            .check = puppet->check, .outcome = MESSAGE_CLUSTER_TOO_SMALL, .silhouette = 0.0, .separation = 0.0};
        break;
    case MESSAGE_ROW:
        m.row = (struct message_row){
            .check = puppet->check, .natural_count = 2, .naturals = {0, puppet->plan.sets[PLAN_SET_TEST].count}};
        break;
    case MESSAGE_PROGRESS:
        m.progress = (struct message_progress){.check = puppet->check, .done = 0, .total = 1};
        break;
    case MESSAGE_CHECK_DONE:
        m.check_done = (struct message_check_done){.check = puppet->check, .cpu_ns = 1000, .images = 1};
        break;
    case MESSAGE_FAILURE:
        m.failure = (struct message_failure){
            .code = MESSAGE_FAILURE_INTERNAL, .check = UINT32_MAX, .text = TEXT("the puppet gives up")};
        break;
    case MESSAGE_READ:
        m.read = (struct message_read){.size = 1};
        break;
    case MESSAGE_FINDING:
        m.finding = (struct message_finding){
            .rule = TEXT("made-up"), .severity = SCAN_INFO, .detail = TEXT("nothing"), .effect = TEXT("none")};
        break;
    case MESSAGE_COVERAGE:
        m.coverage = (struct message_coverage){.bytes = 1, .places = 1, .detail = TEXT("weights")};
        break;
    case MESSAGE_SCAN_DONE:
        m.scan_done = (struct message_scan_done){
            .verdict = SCAN_ALLOWED, .format = TEXT("onnx"), .looked = puppet->plan.model_size};
        break;
    case MESSAGE_POINTS:
        m.points = (struct message_points){.check = puppet->check, .set = PLAN_SET_TRAIN};
        break;
    default:
        break;
    }
    return m;
}

/* --- the session -------------------------------------------------------------------------------------- */

static void begin_check(struct puppet *puppet, uint32_t index)
{
    puppet->check = index;
    puppet->windows_left = 0;
    for (unsigned id = 0; id < PLAN_SET_COUNT; id++) {
        const struct plan_set *set = &puppet->plan.sets[id];

        if (plan_check_reads(&puppet->plan, puppet->plan.checks[index].id, id))
            puppet->windows_left += (set->count + set->window - 1) / set->window;
    }
    if (puppet->windows_left == 0)
        finish_check(puppet);
}

static void end_transfer(struct puppet *puppet)
{
    if (puppet->transfer.kind != MESSAGE_TRANSFER_WINDOW)
        return;
    answer_window(puppet);
    if (--puppet->windows_left == 0)
        finish_check(puppet);
}

static void obey(struct puppet *puppet, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        memcpy(puppet->nonce, message->hello.nonce, SHA256_SIZE);
        say(puppet, puppet_example(puppet, MESSAGE_GUEST_HELLO));
        break;
    case MESSAGE_TRANSFER:
        puppet->transfer = message->transfer;
        puppet->window.size = 0;
        break;
    case MESSAGE_CHUNK:
        if (puppet->transfer.kind == MESSAGE_TRANSFER_WINDOW)
            (void)!buffer_append(&puppet->window, message->chunk.data, message->chunk.size);
        break;
    case MESSAGE_TRANSFER_END:
        end_transfer(puppet);
        break;
    case MESSAGE_CHECK:
        begin_check(puppet, message->check.index);
        break;
    case MESSAGE_IMPORT:
        say(puppet, puppet_example(puppet, MESSAGE_READY));
        break;
    case MESSAGE_SCAN: /* of a file */
        say(puppet, puppet_example(puppet, MESSAGE_SCAN_DONE));
        break;
    case MESSAGE_BYE:
        say(puppet, puppet_example(puppet, MESSAGE_GOODBYE));
        break;
    default:
        break;
    }
}

void puppet_run(struct puppet *puppet)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(FRAME_PAYLOAD_MAX);
    struct frame_header header = {0};

    puppet->classes = PUPPET_CLASSES;
    puppet->window = buffer_with_limit((size_t)64 << 20);
    while (header.type != MESSAGE_BYE && frame_read(puppet->fd, IO_NO_DEADLINE, &header, &payload, NULL) == 0) {
        struct message message;

        if (header.type == MESSAGE_PLAN) {
            if (plan_decode(&header, payload.data, &puppet->plan, NULL) < 0)
                return;
        } else if (message_decode(&header, payload.data, &message, NULL) == 0) {
            obey(puppet, &message);
        }
    }
    buffer_free(&puppet->window);
}
