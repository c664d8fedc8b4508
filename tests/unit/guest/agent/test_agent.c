/* SPDX-License-Identifier: Apache-2.0 */
/* The real agent, from HELLO to GOODBYE, on the digits models; and what it makes of bad input. */
#include "unit/harness.h"

#include "base/io.h"
#include "unit/guest/agent/play_host.h"
#include "unit/guest/checks/fixture.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLEAN "examples/digits/clean.onnx"
#define BD15  "examples/digits/bd15.onnx"

#define OTHER_USER 65534u

static float *test_x, *train_x[2]; /* clean, bd15 */
static uint8_t *test_y;
static uint32_t *train_y[2];

static uint32_t *widen(uint8_t *bytes, size_t count)
{
    uint32_t *values = malloc(count * sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = bytes[i];
    free(bytes);
    return values;
}

static void load_fixtures(void)
{
    test_x = fixture_inputs("test-x.u8", FIXTURE_TEST);
    test_y = fixture_read("test-y.u8", FIXTURE_TEST);
    train_x[0] = fixture_inputs("train-clean-x.u8", FIXTURE_TRAIN);
    train_x[1] = fixture_inputs("train-bd15-x.u8", FIXTURE_TRAIN);
    train_y[0] = widen(fixture_read("train-clean-y.u8", FIXTURE_TRAIN), FIXTURE_TRAIN);
    train_y[1] = widen(fixture_read("train-bd15-y.u8", FIXTURE_TRAIN), FIXTURE_TRAIN);
}

static struct play *new_play(const char *path)
{
    struct play *play = calloc(1, sizeof *play);
    bool poisoned = strcmp(path, BD15) == 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(play);
    CU_ASSERT_EQUAL_FATAL(play_plan_digits(play, path), 0);
    play->test_x = test_x;
    play->train_x = train_x[poisoned];
    play->train_y = train_y[poisoned];
    return play;
}

static int run(struct play *play, char *const *arguments)
{
    int r = play_start(play, arguments);

    CU_ASSERT_EQUAL_FATAL(r, 0);
    return play_all(play);
}

static void finish(struct play *play, bool expect_success)
{
    int status = play_end(play);

    CU_ASSERT(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status) == 0, expect_success);
    free(play);
}

/* --- the digits models -------------------------------------------------------------------------- */

static unsigned count_correct(const int32_t *predictions, const int32_t *clean)
{
    unsigned correct = 0;

    for (size_t i = 0; i < FIXTURE_TEST; i++)
        correct += predictions[i] == (int32_t)test_y[i] && (clean == NULL || clean[i] == (int32_t)test_y[i]);
    return correct;
}

static void check_accuracy(const struct play *play)
{
    static const unsigned correct[] = {443, 430, 396, 260, 29, 5}, robust[] = {440, 425, 391, 254, 24, 0};
    const int32_t *clean = play->predictions[0][0];

    CU_ASSERT_EQUAL(count_correct(clean, NULL), 444);
    for (unsigned point = 0; point < 6; point++) {
        CU_ASSERT_EQUAL(count_correct(play->predictions[1][point], NULL), correct[point]);
        CU_ASSERT_EQUAL(count_correct(play->predictions[1][point], clean), robust[point]);
    }
    for (unsigned point = 6; point < 15; point++) /* norms 2 and 1 weaken as well */
        CU_ASSERT(count_correct(play->predictions[1][point], clean) <= 444);
    CU_ASSERT(count_correct(play->predictions[1][10], clean) < 60);
}

static void test_clean_model(void)
{
    struct play *play = new_play(CLEAN);

    CU_ASSERT_EQUAL(run(play, NULL), 0);
    check_accuracy(play);
    CU_ASSERT_EQUAL(play->ready.classes, 10);
    CU_ASSERT_EQUAL(play->clusters[0].sizes[0], 103);
    CU_ASSERT_EQUAL(play->clusters[0].sizes[1], 43);
    CU_ASSERT_DOUBLE_EQUAL(play->clusters[0].silhouette, .2125, 1e-3);
    CU_ASSERT_EQUAL(play->sample_elements, 3 * 15 * FIXTURE_PIXELS);
    CU_ASSERT_EQUAL(play->done[1].gradient_images, FIXTURE_TEST);
    CU_ASSERT_EQUAL(play->done[1].images, FIXTURE_TEST * 16);
    CU_ASSERT(play->done[1].gradient_cpu_ns > 0 && play->done[1].gradient_cpu_ns < play->done[1].cpu_ns);
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT(play->done[i].peak_memory_bytes > 0 && play->done[i].peak_memory_bytes < UINT64_C(32) << 20);
        printf("(check %u: %.1f ms CPU, %.1f MiB) ", i, (double)play->done[i].cpu_ns / 1e6,
               (double)play->done[i].peak_memory_bytes / 0x1p20);
    }
    finish(play, true);
}

static void test_backdoored_model(void)
{
    struct play *play = new_play(BD15);
    const struct message_cluster *poisoned = &play->clusters[0];

    CU_ASSERT_EQUAL(run(play, NULL), 0);
    CU_ASSERT_EQUAL(poisoned->outcome, MESSAGE_CLUSTER_DONE);
    CU_ASSERT(poisoned->sizes[0] == 202 && poisoned->sizes[1] == 146);
    CU_ASSERT(poisoned->test_sizes[0] == 0 && poisoned->test_sizes[1] == 33);
    CU_ASSERT_DOUBLE_EQUAL(poisoned->silhouette, .2704, 1e-3);
    CU_ASSERT(poisoned->separation > 0 && poisoned->index_count[0] == MESSAGE_INDICES_MAX);
    finish(play, true);
}

/* Clustering alone, of a layer ("" for the penultimate) and by a reduction. */
static struct play *run_clustering(const char *layer, enum plan_reduction reduction)
{
    struct play *play = new_play(BD15);
    struct plan_clustering *clustering = &play->plan.checks[2].clustering;

    (void)snprintf(clustering->layer, sizeof clustering->layer, "%s", layer);
    clustering->reduction = reduction;
    play->plan.checks[0] = play->plan.checks[2];
    play->plan.check_count = 1;
    CU_ASSERT_EQUAL(run(play, NULL), 0);
    return play;
}

static void test_independent_components(void)
{
    struct play *play = run_clustering("", PLAN_FAST_ICA);
    const struct message_cluster *poisoned = &play->clusters[0];

    CU_ASSERT(poisoned->sizes[0] == 202 && poisoned->sizes[1] == 146); /* scikit-learn's: ica.txt */
    CU_ASSERT(poisoned->test_sizes[0] == 0 && poisoned->test_sizes[1] == 33);
    finish(play, true);
}

/* A convolution's output: more features than any class has samples. */
static void test_convolution_layer(void)
{
    static const size_t counts[FIXTURE_CLASSES] = {348, 120, 109, 112, 105, 118, 120, 109, 100, 106};

    for (enum plan_reduction reduction = 0; reduction < PLAN_REDUCTION_COUNT; reduction++) {
        struct play *play = run_clustering("/3/Relu_output_0", reduction);
        uint64_t test = 0;

        for (unsigned label = 0; label < FIXTURE_CLASSES; label++) {
            const struct message_cluster *cluster = &play->clusters[label];

            CU_ASSERT_EQUAL(cluster->outcome, MESSAGE_CLUSTER_DONE);
            CU_ASSERT_EQUAL(cluster->sizes[0] + cluster->sizes[1], counts[label]);
            CU_ASSERT(cluster->sizes[1] > 0 && cluster->separation > 0 && fabs(cluster->silhouette) <= 1);
            test += cluster->test_sizes[0] + cluster->test_sizes[1];
        }
        CU_ASSERT_EQUAL(test, FIXTURE_TEST);
        CU_ASSERT(play->clusters[0].sizes[0] == 202 && play->clusters[0].test_sizes[0] <= 1); /* 202 are poisoned */
        finish(play, true);
    }
}

/* All training samples of one class: the others are empty, and said to be. */
static void test_one_class(void)
{
    struct play *play = new_play(CLEAN);
    uint32_t *labels = calloc(FIXTURE_TRAIN, sizeof *labels);

    play->train_y = labels;
    labels[7] = 3;
    play->plan.checks[0] = play->plan.checks[2];
    play->plan.check_count = 1;
    CU_ASSERT_EQUAL(run(play, NULL), 0);
    CU_ASSERT_EQUAL(play->clusters[0].outcome, MESSAGE_CLUSTER_DONE);
    CU_ASSERT_EQUAL(play->clusters[0].sizes[0] + play->clusters[0].sizes[1], FIXTURE_TRAIN - 1);
    for (unsigned label = 1; label < FIXTURE_CLASSES; label++) {
        CU_ASSERT_EQUAL(play->clusters[label].outcome, MESSAGE_CLUSTER_TOO_SMALL);
        CU_ASSERT_EQUAL(play->clusters[label].sizes[0], label == 3);
        CU_ASSERT(play->clusters[label].test_sizes[0] > 0); /* test inputs predicted as it are counted */
    }
    finish(play, true);
    free(labels);
}

/* --- the reference model -------------------------------------------------------------------------- */

/* Both digits models are trained from the same start; the figures are SciPy's (tests/fixtures/ks/weights.txt). */
static void test_reference(void)
{
    struct play *play = new_play(BD15);

    CU_ASSERT_EQUAL_FATAL(play_plan_drift(play, CLEAN), 0);
    CU_ASSERT_EQUAL(run(play, NULL), 0);
    CU_ASSERT_EQUAL(play->row_count, 8);
    CU_ASSERT_EQUAL(play->rows[1].naturals[TENSORS_OUTCOME], TENSOR_TOO_SMALL);
    CU_ASSERT_EQUAL(play->rows[4].naturals[TENSORS_ELEMENTS], 32768);
    CU_ASSERT_DOUBLE_EQUAL(play->rows[4].reals[TENSORS_D], 0.010040283203125, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(play->rows[4].reals[TENSORS_P], 0x1.2b221300db4c8p-4, 1e-9);
    CU_ASSERT_EQUAL(play->skipped[3][0], '\0');
    CU_ASSERT_EQUAL(play->clusters[0].sizes[0], 202); /* the other checks go on as without */
    finish(play, true);
}

static void test_reference_alone(void)
{
    struct play *play = new_play(CLEAN);

    play->plan.check_count = 0;
    CU_ASSERT_EQUAL_FATAL(play_plan_drift(play, CLEAN), 0);
    CU_ASSERT_EQUAL(run(play, NULL), 0);
    CU_ASSERT_EQUAL(play->row_count, 8);
    for (uint32_t i = 0; i < play->row_count; i++)
        CU_ASSERT(play->rows[i].reals[TENSORS_D] == 0.0 && play->rows[i].reals[TENSORS_P] == 1.0);
    finish(play, true);
}

/* --- the same bits -------------------------------------------------------------------------------- */

struct variant {
    uint32_t batch, threads, test_window, train_window;
    const char *isa;
};

static void test_same_bits(void)
{
    static const struct variant variants[] = {
        {64, 1, 100, 200, ""},     {1, 1, 100, 200, ""},        {7, 1, 100, 200, ""},      {64, 2, 100, 200, ""},
        {64, 1, 450, 1347, ""},    {64, 1, 13, 77, ""},         {64, 1, 100, 200, "sse2"}, {64, 1, 100, 200, "avx"},
        {64, 1, 100, 200, "avx2"}, {64, 1, 100, 200, "avx512"},
    };
    uint8_t first[SHA256_SIZE], digest[SHA256_SIZE];

    for (size_t i = 0; i < HARNESS_COUNT(variants); i++) {
        struct play *play = new_play(CLEAN);
        int r;

        play->plan.batch = variants[i].batch;
        play->plan.threads = variants[i].threads;
        play->plan.sets[PLAN_SET_TEST].window = variants[i].test_window;
        play->plan.sets[PLAN_SET_TRAIN].window = variants[i].train_window;
        (void)snprintf(play->plan.isa, sizeof play->plan.isa, "%s", variants[i].isa);
        /* samples come window by window: their order is the window's, so none here */
        play->plan.checks[1].attack.samples = 0;
        r = run(play, NULL);
        if (r < 0 && variants[i].isa[0] != '\0' && play->failed) {
            printf("(no %s here: %s) ", variants[i].isa, play->failure_text);
            finish(play, false);
            continue;
        }
        CU_ASSERT_EQUAL(r, 0);
        play_digest(play, i == 0 ? first : digest);
        CU_ASSERT(i == 0 || memcmp(first, digest, sizeof digest) == 0);
        finish(play, true);
    }
}

/* --- another user than root --------------------------------------------------------------------- */

static void test_without_root(void)
{
    struct play *play;
    int r, status;

    if (geteuid() != 0) {
        printf("(all tests ran as this user) ");
        return;
    }
    play = new_play(CLEAN);
    play->uid = OTHER_USER;
    play->plan.threads = 2;
    r = run(play, NULL);
    status = play_end(play);
    if (WIFEXITED(status) && WEXITSTATUS(status) == PLAY_NO_AGENT) {
        printf("(another user can't reach the agent's program here) ");
    } else {
        CU_ASSERT_EQUAL(r, 0);
        CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
        check_accuracy(play);
    }
    free(play);
}

/* --- larger than memory ---------------------------------------------------------------------------- */

/* 24 MiB of inputs through an agent that may take 16 MiB. */
static void test_large_set(void)
{
    char *const arguments[] = {(char[]){"--memory"}, (char[]){"16"}, NULL};
    struct play *play = new_play(CLEAN);

    play->plan.check_count = 1;
    play->plan.sets[PLAN_SET_TEST] = (struct plan_set){.present = true, .count = PLAY_TEST * 220, .window = 2048};
    CU_ASSERT_EQUAL(run(play, arguments), 0);
    CU_ASSERT_EQUAL(play->prediction_count, PLAY_TEST * 220);
    CU_ASSERT_EQUAL(count_correct(play->predictions[0][0], NULL), 444);
    CU_ASSERT(play->done[0].peak_memory_bytes < UINT64_C(8) << 20);
    finish(play, true);
}

/* --- bad input -------------------------------------------------------------------------------------- */

/* An evaluation that must fail with this code; the text is shown. */
static void expect_failure(struct play *play, char *const *arguments, enum message_failure_code code)
{
    CU_ASSERT(run(play, arguments) < 0);
    CU_ASSERT(play->failed);
    CU_ASSERT_EQUAL(play->failure.code, code);
    CU_ASSERT(play->failure_text[0] != '\0');
    printf("(%s: %s) ", message_failure_name(play->failure.code), play->failure_text);
    finish(play, false);
}

static void test_truncated_model(void)
{
    struct play *play = new_play(CLEAN);

    play->plan.model_size /= 2;
    sha256_of(play->model, play->plan.model_size, play->plan.model_sha256);
    expect_failure(play, NULL, MESSAGE_FAILURE_BAD_MODEL);
}

static void test_not_a_model(void)
{
    struct play *play = new_play(CLEAN);

    memset(play->model, 0x5a, play->plan.model_size);
    sha256_of(play->model, play->plan.model_size, play->plan.model_sha256);
    expect_failure(play, NULL, MESSAGE_FAILURE_BAD_MODEL);
}

static void test_wrong_digests(void)
{
    struct play *play = new_play(CLEAN);

    play->plan.model_sha256[31] ^= 1;
    expect_failure(play, NULL, MESSAGE_FAILURE_PROTOCOL);
    play = new_play(CLEAN);
    play->break_digest = true;
    expect_failure(play, NULL, MESSAGE_FAILURE_PROTOCOL);
    play = new_play(CLEAN);
    CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
    CU_ASSERT_EQUAL(play_import(play), 0);
    play->break_digest = true; /* of the first window */
    CU_ASSERT(play_check(play, 0) < 0);
    CU_ASSERT(play->failed && play->failure.code == MESSAGE_FAILURE_PROTOCOL && play->failure.check == 0);
    CU_ASSERT_EQUAL(play->prediction_count, 0);
    finish(play, false);
}

static void test_contradictions(void)
{
    struct play *play = new_play(CLEAN);

    play->plan.contract.dims[2] = 9;
    expect_failure(play, NULL, MESSAGE_FAILURE_SHAPE);
    play = new_play(CLEAN);
    play->plan.contract.classes = 7;
    expect_failure(play, NULL, MESSAGE_FAILURE_SHAPE);
    play = new_play(CLEAN);
    play->plan.checks[0].version = 999;
    expect_failure(play, NULL, MESSAGE_FAILURE_UNSUPPORTED_MODEL);
    play = new_play(CLEAN);
    play->plan.contract.has_range = false;
    expect_failure(play, NULL, MESSAGE_FAILURE_SHAPE);
    play = new_play(CLEAN);
    (void)snprintf(play->plan.checks[2].clustering.layer, sizeof play->plan.checks[2].clustering.layer,
                   "no such layer");
    expect_failure(play, NULL, MESSAGE_FAILURE_SHAPE);
}

static void test_memory(void)
{
    char *const small[] = {(char[]){"--memory"}, (char[]){"6"}, NULL};
    struct play *play = new_play(CLEAN);

    play->model = realloc(play->model, 8u << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(play->model);
    play->plan.model_size = 8u << 20;
    sha256_of(play->model, play->plan.model_size, play->plan.model_sha256);
    expect_failure(play, small, MESSAGE_FAILURE_MEMORY);
}

/* The model works, the reference is none: said when it is asked for, and said of the reference. */
static void test_bad_reference(void)
{
    struct play *play = new_play(CLEAN);

    CU_ASSERT_EQUAL_FATAL(play_plan_drift(play, CLEAN), 0);
    play->plan.reference_size /= 2;
    sha256_of(play->reference, play->plan.reference_size, play->plan.reference_sha256);
    play->plan.checks[0] = play->plan.checks[3];
    play->plan.check_count = 1;
    CU_ASSERT(run(play, NULL) < 0);
    CU_ASSERT(play->failed && play->failure.code == MESSAGE_FAILURE_BAD_MODEL && play->failure.check == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(play->failure_text, "the reference model"));
    finish(play, false);
    play = new_play(CLEAN);
    CU_ASSERT_EQUAL_FATAL(play_plan_drift(play, CLEAN), 0);
    play->plan.reference_sha256[0] ^= 1;
    expect_failure(play, NULL, MESSAGE_FAILURE_PROTOCOL);
}

/* Each fits alone, not both. */
static void test_large_reference(void)
{
    char *const small[] = {(char[]){"--memory"}, (char[]){"6"}, NULL};
    struct play *play = new_play(CLEAN);

    CU_ASSERT_EQUAL_FATAL(play_plan_drift(play, CLEAN), 0);
    play->reference = realloc(play->reference, 6u << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(play->reference);
    play->plan.reference_size = 6u << 20;
    memset(play->reference, 0, play->plan.reference_size);
    sha256_of(play->reference, play->plan.reference_size, play->plan.reference_sha256);
    expect_failure(play, small, MESSAGE_FAILURE_MEMORY);
}

/* A network whose plan is larger than what a worker may take: refused at the import, with the figure. */
static void test_network_memory(void)
{
    char *const little[] = {(char[]){"--memory"}, (char[]){"48"}, NULL};
    struct play *play = new_play(CLEAN);

    play->plan.batch = 4096;
    CU_ASSERT(run(play, little) < 0);
    CU_ASSERT(play->failed && play->failure.code == MESSAGE_FAILURE_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(play->failure_text, "the model needs "));
    CU_ASSERT_PTR_NOT_NULL(strstr(play->failure_text, " MiB besides its weights, in batches of 4096"));
    CU_ASSERT_EQUAL(play->prediction_count, 0);
    printf("(%s) ", play->failure_text);
    finish(play, false);
}

static void test_bad_label(void)
{
    struct play *play = new_play(CLEAN);
    uint32_t *labels = malloc(FIXTURE_TRAIN * sizeof *labels);

    memcpy(labels, train_y[0], FIXTURE_TRAIN * sizeof *labels);
    labels[5] = 10;
    play->train_y = labels;
    play->plan.checks[0] = play->plan.checks[2];
    play->plan.check_count = 1;
    expect_failure(play, NULL, MESSAGE_FAILURE_SHAPE);
    free(labels);
}

/* --- scans -------------------------------------------------------------------------------------------- */

/* The plan's scan comes before the import, and finds nothing in an ordinary model. */
static void test_scan_before_import(void)
{
    struct play *play = new_play(CLEAN);

    memmove(play->plan.checks + 1, play->plan.checks, play->plan.check_count++ * sizeof play->plan.checks[0]);
    play->plan.checks[0] = (struct plan_check){.id = PLAN_SCAN, .version = 1};
    CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
    CU_ASSERT_EQUAL(play_import(play), 0);
    CU_ASSERT_EQUAL(play->scan_done.verdict, SCAN_ALLOWED);
    CU_ASSERT(play->scan_done.looked > 0);
    CU_ASSERT_EQUAL(play->ready.classes, 10);
    CU_ASSERT_EQUAL(play_check(play, 1), 0);
    finish(play, false);
}

/* Files that are served; the last one can't be. */
static void test_served_files(void)
{
    static const char evil[] = "cos\nsystem\n(S'id'\ntR.", plain[] = "nothing but text\n";
    static const struct {
        const char *content; /* NULL: unreadable */
        enum scan_verdict verdict;
    } files[] = {{evil, SCAN_DANGEROUS}, {plain, SCAN_ALLOWED}, {NULL, SCAN_UNSCANNED}, {plain, SCAN_ALLOWED}};
    struct play *play = new_play(CLEAN);
    const struct message hello = {.type = MESSAGE_HELLO, .hello = {.version = MESSAGE_VERSION}};
    const struct message unreadable = {.type = MESSAGE_UNREADABLE};
    struct message message;

    CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
    session_host_start(&play->judge, NULL, hello.hello.nonce);
    CU_ASSERT_EQUAL(play_send(play, &hello), 0);
    CU_ASSERT_EQUAL(play_receive(play, &message), 0);
    for (uint32_t i = 0; i < HARNESS_COUNT(files); i++) {
        const char *content = files[i].content != NULL ? files[i].content : plain;
        const struct message scan = {.type = MESSAGE_SCAN, .scan = {.index = i, .size = strlen(content)}};

        CU_ASSERT_EQUAL(session_host_begin_scan(&play->judge, i, scan.scan.size), 0);
        CU_ASSERT_EQUAL(play_send(play, &scan), 0);
        do {
            struct frame_header header = {.type = MESSAGE_CHUNK};
            int r;

            CU_ASSERT_EQUAL_FATAL(play_receive(play, &message), 0);
            if (message.type != MESSAGE_READ)
                continue;
            header.size = message.read.size;
            r = files[i].content == NULL
                    ? play_send(play, &unreadable)
                    : frame_write(play->fd, IO_NO_DEADLINE, &header, content + message.read.offset, NULL);
            CU_ASSERT_EQUAL(r, 0);
        } while (message.type != MESSAGE_SCAN_DONE && message.type != MESSAGE_FAILURE);
        CU_ASSERT_EQUAL(play->scan_done.verdict, files[i].verdict);
    }
    CU_ASSERT_EQUAL(play_part(play), 0);
    finish(play, true);
}

/* --- the host misbehaves ------------------------------------------------------------------------------ */

static void test_garbage(void)
{
    struct play *play = new_play(CLEAN);
    struct message message;
    uint8_t garbage[4096];

    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)(i * 37 + 11);
    CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
    session_host_start(&play->judge, &play->plan, play->nonce);
    CU_ASSERT_EQUAL(io_write_full(play->fd, garbage, sizeof garbage, IO_NO_DEADLINE), 0);
    CU_ASSERT_EQUAL(play_receive(play, &message), 0);
    CU_ASSERT(play->failed && play->failure.code == MESSAGE_FAILURE_PROTOCOL);
    finish(play, false);
}

static void test_out_of_order(void)
{
    static const enum message_type types[] = {MESSAGE_BYE,     MESSAGE_CHECK,  MESSAGE_TRANSFER_END, MESSAGE_TRANSFER,
                                              MESSAGE_GOODBYE, MESSAGE_IMPORT, MESSAGE_UNREADABLE};

    for (size_t i = 0; i < HARNESS_COUNT(types); i++) {
        struct play *play = new_play(CLEAN);
        const struct message first = {.type = types[i]};
        struct message message;

        CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
        session_host_start(&play->judge, &play->plan, play->nonce);
        CU_ASSERT_EQUAL(play_send(play, &first), 0);
        CU_ASSERT_EQUAL(play_receive(play, &message), 0);
        CU_ASSERT(play->failed && play->failure.code == MESSAGE_FAILURE_PROTOCOL);
        finish(play, false);
    }
}

/* A host that goes away, at several moments: the agent ends, and soon. */
static void test_host_dies(void)
{
    for (unsigned moment = 0; moment < 3; moment++) {
        struct play *play = new_play(CLEAN);
        const struct message check = {.type = MESSAGE_CHECK};
        uint64_t before;

        CU_ASSERT_EQUAL_FATAL(play_start(play, NULL), 0);
        if (moment >= 1)
            CU_ASSERT_EQUAL(play_import(play), 0);
        if (moment >= 2)
            CU_ASSERT_EQUAL(play_send(play, &check), 0);
        before = io_now_ns();
        finish(play, false);
        CU_ASSERT(io_now_ns() - before < 20 * IO_NS_PER_S);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the clean model, all checks", test_clean_model},
        {"the backdoored model, all checks", test_backdoored_model},
        {"independent components", test_independent_components},
        {"clusters of a convolution's output", test_convolution_layer},
        {"a training set of one class", test_one_class},
        {"weights against a reference model's", test_reference},
        {"nothing but the reference model", test_reference_alone},
        {"the same bits for every batch, thread count, window and instruction set", test_same_bits},
        {"without root", test_without_root},
        {"a set larger than memory", test_large_set},
        {"the scan before the import", test_scan_before_import},
        {"served files", test_served_files},
        {"a truncated model", test_truncated_model},
        {"not a model", test_not_a_model},
        {"wrong digests", test_wrong_digests},
        {"plan and model contradict each other", test_contradictions},
        {"a model larger than memory", test_memory},
        {"a bad reference model", test_bad_reference},
        {"two models larger than memory", test_large_reference},
        {"a network larger than memory", test_network_memory},
        {"a label beyond the classes", test_bad_label},
        {"garbage", test_garbage},
        {"messages out of order", test_out_of_order},
        {"the host dies", test_host_dies},
    };

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    (void)signal(SIGPIPE, SIG_IGN);
    load_fixtures();
    return harness_run("agent", tests, HARNESS_COUNT(tests));
}
