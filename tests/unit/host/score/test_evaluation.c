/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation.json of the digits models from their published logits, and what is refused. */
#include "host/data/npz.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/score/accuracy.h"
#include "host/score/attack.h"
#include "host/score/evaluation.h"
#include "wire/rows.h"

#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEST_COUNT  450u
#define TRAIN_COUNT 1347u
#define CLASSES     10u

/* --- the digits' labels and predictions --------------------------------------------------------- */

/* A whole array of a file under examples/digits; NULL when it is not there. */
static void *read_array(const char *path, const char *name, struct npy_header *ret_header)
{
    CLEANUP_FD int fd = open(path, O_RDONLY);
    struct npz_array *array = NULL;
    struct error err = {0};
    struct stat status;
    void *data = NULL;

    if (fd < 0 || fstat(fd, &status) < 0 || npz_open(fd, (uint64_t)status.st_size, name, &array, &err) < 0)
        return NULL;
    *ret_header = *npz_header(array);
    data = malloc((size_t)ret_header->elements * ret_header->item_size);
    if (data != NULL && npz_read(array, data, (size_t)ret_header->elements, &err) < 0) {
        free(data);
        data = NULL;
    }
    npz_close(array);
    return data;
}

static void read_labels(const char *path, size_t count, int32_t *ret_labels)
{
    struct npy_header header = {0};
    CLEANUP_FREE uint8_t *raw = read_array(path, "y", &header);

    CU_ASSERT_PTR_NOT_NULL_FATAL(raw);
    CU_ASSERT_EQUAL_FATAL(header.elements, count);
    for (size_t i = 0; i < count; i++)
        ret_labels[i] = (int32_t)npy_to_integer(header.type, raw + i * header.item_size);
}

/* The first maximum of each row of logits_test. */
static void read_predictions(const char *path, int32_t *ret_predictions)
{
    struct npy_header header = {0};
    CLEANUP_FREE float *logits = read_array(path, "logits_test", &header);

    CU_ASSERT_PTR_NOT_NULL_FATAL(logits);
    CU_ASSERT_EQUAL_FATAL(header.elements, TEST_COUNT * CLASSES);
    for (size_t i = 0; i < TEST_COUNT; i++) {
        ret_predictions[i] = 0;
        for (int32_t j = 1; j < (int32_t)CLASSES; j++)
            if (logits[i * CLASSES + (size_t)j] > logits[i * CLASSES + (size_t)ret_predictions[i]])
                ret_predictions[i] = j;
    }
}

struct digits {
    int32_t test_labels[TEST_COUNT], clean[TEST_COUNT], attacked[TEST_COUNT], train_labels[TRAIN_COUNT];
    uint8_t digest[SHA256_SIZE];
    struct attack_curve_point points[2];
    struct attack_curve curve;
    struct attack_run attack;
    uint64_t gradients[GRADIENTS_NATURALS];
    struct score_row gradients_row;
    struct evaluation_cluster clusters[CLASSES];
    uint64_t indices[2];
    struct evaluation_check checks[3];
    struct evaluation_input input;
};

/* Clusters whose sums are right; class 0 as measured, the others split alike in training and test. */
static void make_clusters(struct digits *digits)
{
    for (uint32_t c = 0; c < CLASSES; c++) {
        struct evaluation_cluster *cluster = &digits->clusters[c];
        uint64_t train = 0, test = 0;

        for (size_t i = 0; i < TRAIN_COUNT; i++)
            train += digits->train_labels[i] == (int32_t)c;
        for (size_t i = 0; i < TEST_COUNT; i++)
            test += digits->clean[i] == (int32_t)c;
        *cluster = (struct evaluation_cluster){.silhouette = 0.25, .separation = 12.5};
        cluster->sizes = (struct clustering_class){c, {train - train / 3, train / 3}, {test - test / 3, test / 3}};
    }
    digits->clusters[0].sizes = (struct clustering_class){0, {202, 146}, {0, 33}};
    digits->clusters[0].silhouette = 0.27041;
    for (size_t i = 0; digits->indices[1] == 0; i++) /* the first two training samples of class 0 */
        if (digits->train_labels[i] == 0)
            digits->indices[digits->indices[0] == 0 ? 0 : 1] = i;
    digits->clusters[0].indices[0] = digits->indices;
    digits->clusters[0].index_count[0] = 2;
}

static struct digits *make_digits(const char *train)
{
    struct digits *digits = calloc(1, sizeof *digits);

    read_labels("examples/digits/test.npz", TEST_COUNT, digits->test_labels);
    read_labels(train, TRAIN_COUNT, digits->train_labels);
    read_predictions(train, digits->clean);
    memcpy(digits->attacked, digits->clean, sizeof digits->attacked);
    memset(digits->digest, 0xab, sizeof digits->digest);
    for (size_t i = 0; i < 100; i++) /* an attack that turns the first hundred */
        digits->attacked[i] = (digits->attacked[i] + 1) % (int32_t)CLASSES;
    digits->points[0] = (struct attack_curve_point){0.01, "0.01", digits->clean};
    digits->points[1] = (struct attack_curve_point){0.1, "0.1", digits->attacked};
    digits->curve = (struct attack_curve){.norm = PLAN_NORM_INF, .point_count = 2, .points = digits->points};
    digits->attack = (struct attack_run){
        .id = "fgsm", .family = ATTACK_SINGLE_STEP, .restarts = 3, .curve_count = 1, .curves = &digits->curve};
    digits->gradients[GRADIENTS_ZERO] = 7;
    digits->gradients[GRADIENTS_SAMPLES] = TEST_COUNT;
    digits->gradients_row = (struct score_row){"", GRADIENTS_NATURALS, 0, digits->gradients, NULL};
    make_clusters(digits);
    digits->checks[0] =
        (struct evaluation_check){.kind = EVALUATION_CLEAN_ACCURACY, .id = "clean-accuracy", .version = 1};
    digits->checks[1] = (struct evaluation_check){.kind = EVALUATION_ATTACK,
                                                  .id = "fgsm",
                                                  .version = 2,
                                                  .attack = &digits->attack,
                                                  .tables = {{1, &digits->gradients_row}}};
    digits->checks[2] = (struct evaluation_check){.kind = EVALUATION_CLUSTERING,
                                                  .id = "activation-clustering",
                                                  .version = 1,
                                                  .layer = "relu_3",
                                                  .rule = {0.001, 0.25, 0.1},
                                                  .cluster_count = CLASSES,
                                                  .clusters = digits->clusters};
    digits->input = (struct evaluation_input){.arithmetic = "mul-add",
                                              .model_sha256 = digits->digest,
                                              .data_sha256 = digits->digest,
                                              .policy_sha256 = digits->digest,
                                              .test_sha256 = digits->digest,
                                              .train_sha256 = digits->digest,
                                              .classes = CLASSES,
                                              .test_count = TEST_COUNT,
                                              .test_labels = digits->test_labels,
                                              .clean_predictions = digits->clean,
                                              .train_count = TRAIN_COUNT,
                                              .train_labels = digits->train_labels,
                                              .check_count = 3,
                                              .checks = digits->checks};
    return digits;
}

/* A judge that fails the check named in `context` and passes the others. */
static enum evaluation_status judge(void *context, const struct evaluation_check *check, const json_t *figures)
{
    CU_ASSERT_PTR_NULL(json_object_get(figures, "status"));
    return context != NULL && strcmp(check->id, context) == 0 ? EVALUATION_STATUS_FAILED : EVALUATION_STATUS_PASSED;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "(none)";
}

static json_int_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* --- what comes out ---------------------------------------------------------------------------- */

static void test_digits(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-clean.npz");
    CLEANUP_JSON json_t *evaluation = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20);
    struct error err = {0};
    const json_t *check, *matrix;

    digits->input.check_count = 1;
    CU_ASSERT_EQUAL_FATAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), 0);
    check = json_array_get(json_object_get(evaluation, "checks"), 0);
    CU_ASSERT_EQUAL(number_of(check, "correct"), 444);
    CU_ASSERT_EQUAL(number_of(check, "total"), 450);
    CU_ASSERT_STRING_EQUAL(text_of(check, "accuracy"), "0.986667");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(check, "ci95"), 0)), "0.971219");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(check, "ci95"), 1)), "0.993875");
    CU_ASSERT_STRING_EQUAL(text_of(check, "status"), "passed");
    CU_ASSERT_STRING_EQUAL(text_of(check, "provenance"), "host-scored");
    /* numpy: of 52 threes 50 are right, one is taken for a 7 and one for an 8. */
    matrix = json_object_get(check, "confusion");
    CU_ASSERT_EQUAL(json_array_size(matrix), 10);
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(json_array_get(matrix, 3), 3)), 50);
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(json_array_get(matrix, 3), 7)), 1);
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(json_array_get(matrix, 3), 8)), 1);
    CU_ASSERT_EQUAL(number_of(json_array_get(json_object_get(check, "perClass"), 3), "correct"), 50);
    CU_ASSERT_EQUAL(number_of(json_array_get(json_object_get(check, "perClass"), 3), "total"), 52);
    CU_ASSERT(json_is_null(json_object_get(json_object_get(evaluation, "inputs"), "spec")));
    CU_ASSERT_EQUAL(strncmp(text_of(evaluation, "model"), "abababab", 8), 0);
    CU_ASSERT_EQUAL(json_canonical_encode(evaluation, &text), 0);
}

/* bd15: class 0 suspicious, no other; and the attack's figures. */
static void test_backdoor(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-bd15.npz");
    CLEANUP_JSON json_t *evaluation = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20);
    char name[] = "activation-clustering";
    struct error err = {0};
    const json_t *checks, *point, *classes;
    unsigned suspicious = 0, right = 0;

    CU_ASSERT_EQUAL_FATAL(evaluation_build(&digits->input, judge, name, &evaluation, &err), 0);
    checks = json_object_get(evaluation, "checks");
    point = json_array_get(
        json_object_get(json_array_get(json_object_get(json_array_get(checks, 1), "curves"), 0), "points"), 1);
    for (size_t i = 0; i < 100; i++)
        right += digits->clean[i] == digits->test_labels[i];
    CU_ASSERT_STRING_EQUAL(text_of(point, "eps"), "0.1");
    CU_ASSERT_EQUAL(number_of(point, "robustCorrect"), 444 - (json_int_t)right);
    CU_ASSERT(number_of(point, "correct") >= number_of(point, "robustCorrect"));
    CU_ASSERT_EQUAL(strncmp(text_of(point, "attackSuccess"), "0.2", 3), 0);
    classes = json_object_get(json_array_get(checks, 2), "classes");
    for (size_t i = 0; i < CLASSES; i++)
        suspicious += json_is_true(json_object_get(json_array_get(classes, i), "suspicious"));
    CU_ASSERT_EQUAL(suspicious, 1);
    CU_ASSERT(json_is_true(json_object_get(json_array_get(classes, 0), "suspicious")));
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(classes, 0), "p"), "2.672251e-12");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(classes, 0), "pHolm"), "2.672251e-11");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(classes, 0), "silhouette"), "0.270410");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 2), "status"), "failed");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 2), "layer"), "relu_3");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 2), "provenance"), "guest");
    CU_ASSERT_EQUAL(json_canonical_encode(evaluation, &text), 0);
}

/* Right when clean and right under attack, not merely right under attack. */
static void test_attack_points(void)
{
    const int32_t labels[] = {0, 1, 2, 0, 1}, clean[] = {0, 1, 0, 1, 1}, attacked[] = {0, 2, 2, 1, 1};
    struct attack_point point;

    CU_ASSERT_EQUAL(attack_score(labels, clean, attacked, 5, 3, &point, NULL), 0);
    CU_ASSERT(point.total == 5 && point.correct == 3 && point.clean_correct == 3 && point.robust_correct == 2);
}

static void test_not_run(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-clean.npz");
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};
    const json_t *checks;

    digits->checks[1].outcome = EVALUATION_SKIPPED;
    digits->checks[1].reason = "the spec has no range";
    digits->checks[2].outcome = EVALUATION_ERROR;
    digits->checks[2].reason = "the worker died";
    CU_ASSERT_EQUAL_FATAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), 0);
    checks = json_object_get(evaluation, "checks");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 1), "status"), "skipped");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 1), "reason"), "the spec has no range");
    CU_ASSERT_STRING_EQUAL(text_of(json_array_get(checks, 2), "status"), "error");
    CU_ASSERT_PTR_NULL(json_object_get(json_array_get(checks, 1), "curves"));
    digits->checks[1].reason = NULL;
    json_drop(&evaluation);
    evaluation = NULL;
    CU_ASSERT_EQUAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), -EINVAL);
}

/* A class that is too small indeed is skipped, and said so. */
static void test_small_class(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-clean.npz");
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};
    const json_t *class;

    memcpy(digits->clusters[0].sizes.sizes, (uint64_t[]){100, 46}, sizeof digits->clusters[0].sizes.sizes);
    memcpy(digits->clusters[0].sizes.test_sizes, (uint64_t[]){22, 10}, sizeof digits->clusters[0].sizes.test_sizes);
    digits->checks[2].minimum_class_size = 130;
    digits->clusters[8].skipped = "too small"; /* 128 samples */
    CU_ASSERT_EQUAL_FATAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), 0);
    class = json_array_get(json_object_get(json_array_get(json_object_get(evaluation, "checks"), 2), "classes"), 8);
    CU_ASSERT_STRING_EQUAL(text_of(class, "skipped"), "too small");
    CU_ASSERT_PTR_NULL(json_object_get(class, "suspicious"));
}

/* More classes than a full matrix is written for: pairs instead, and only the classes that occur. */
static void test_many_classes(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-clean.npz");
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};
    const json_t *check;

    digits->input.classes = 1000;
    digits->input.check_count = 1;
    CU_ASSERT_EQUAL_FATAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), 0);
    check = json_array_get(json_object_get(evaluation, "checks"), 0);
    CU_ASSERT_PTR_NULL(json_object_get(check, "confusion"));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(check, "perClass")), 10);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(check, "confusionPairs")),
                    16); /* 10 right, 6 mistakes of other kinds */
}

/* --- what is refused --------------------------------------------------------------------------- */

typedef void change(struct digits *digits);

static void change_prediction(struct digits *d)
{
    d->attacked[17] = 10;
}
static void change_negative(struct digits *d)
{
    d->attacked[17] = -1;
}
static void change_train_sum(struct digits *d)
{
    d->clusters[4].sizes.sizes[0]++;
}
static void change_test_sum(struct digits *d)
{
    d->clusters[4].sizes.test_sizes[1]++;
}
static void change_order(struct digits *d)
{
    d->clusters[4].sizes.label = 5;
}
static void change_silhouette(struct digits *d)
{
    d->clusters[4].silhouette = 1.5;
}
static void change_nan(struct digits *d)
{
    d->clusters[4].silhouette = 0.0 / 0.0;
}
static void change_separation(struct digits *d)
{
    d->clusters[4].separation = -1;
}
static void change_index(struct digits *d)
{
    d->indices[1] = TRAIN_COUNT;
}
static void change_index_order(struct digits *d)
{
    d->indices[1] = d->indices[0];
}
static void change_count(struct digits *d)
{
    d->checks[2].cluster_count = 9;
}
static void change_layer(struct digits *d)
{
    d->checks[2].layer = "\xff\xfe";
}
static void change_huge(struct digits *d)
{
    d->clusters[4].sizes.sizes[0] = UINT64_MAX;
}

static void change_skipped(struct digits *d)
{
    d->checks[2].minimum_class_size = 20;
    d->clusters[0].skipped = "too small";
}

/* A guest that lies is found out: ERROR_GUEST, and the message names the check. */
static void test_lies(void)
{
    static const struct {
        change *apply;
        const char *part;
    } cases[] = {
        {change_prediction, "check fgsm: norm inf, eps 0.1: the guest predicted class 10 for sample 17"},
        {change_negative, "class -1"},
        {change_train_sum,
         "check activation-clustering: class 4: the guest's cluster sizes don't add up to the training"},
        {change_test_sum, "don't add up to the test samples"},
        {change_order, "not one after the other"},
        {change_silhouette, "silhouette"},
        {change_nan, "silhouette"},
        {change_separation, "separation"},
        {change_index, "class 0: the guest's list of samples"},
        {change_index_order, "not in order"},
        {change_count, "9 classes of 10"},
        {change_layer, "layer"},
        {change_huge, "beyond any data set"},
        {change_skipped, "class 0: the guest's class is called too small"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-bd15.npz");
        json_t *evaluation = NULL;
        struct error err = {0};

        cases[i].apply(digits);
        CU_ASSERT_EQUAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
        CU_ASSERT_PTR_NULL(evaluation);
        if (strstr(err.text, cases[i].part) == NULL) {
            (void)printf("\n    [%zu] %s", i, err.text);
            CU_FAIL("the message says something else");
        }
    }
}

static void test_labels_beyond(void)
{
    CLEANUP_FREE struct digits *digits = make_digits("examples/digits/train-clean.npz");
    json_t *evaluation = NULL;
    struct error err = {0};

    digits->input.classes = 9;
    digits->input.check_count = 1;
    CU_ASSERT_EQUAL(evaluation_build(&digits->input, judge, NULL, &evaluation, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the model has 9 classes"));
}

/* The same facts in another process give the same bytes: nothing but the input is in them. */
static void test_same_bytes(void)
{
    CLEANUP_FREE struct digits *a = make_digits("examples/digits/train-bd15.npz");
    CLEANUP_FREE struct digits *b = make_digits("examples/digits/train-bd15.npz");
    CLEANUP_JSON json_t *first = NULL, *second = NULL;
    CLEANUP_BUFFER struct buffer x = buffer_with_limit(1 << 20), y = buffer_with_limit(1 << 20);
    char hex[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];

    CU_ASSERT_EQUAL(evaluation_build(&a->input, judge, NULL, &first, NULL), 0);
    CU_ASSERT_EQUAL(evaluation_build(&b->input, judge, NULL, &second, NULL), 0);
    CU_ASSERT_EQUAL(json_canonical_encode(first, &x), 0);
    CU_ASSERT_EQUAL(json_canonical_encode(second, &y), 0);
    CU_ASSERT(x.size > 0 && x.size == y.size && memcmp(x.data, y.data, x.size) == 0);
    sha256_of(x.data, x.size, digest);
    sha256_to_hex(digest, hex);
    CU_ASSERT_STRING_EQUAL(
        hex, "f1f788e44b5df2077237821e58bdc639ac4c0343e368717089feff03c71ae572"); /* a change of digits or fields is a
                                                                                     change of format */
    if (strcmp(hex, "f1f788e44b5df2077237821e58bdc639ac4c0343e368717089feff03c71ae572") != 0)
        (void)printf("\n    %s\n%.*s", hex, (int)x.size, (const char *)x.data);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"digits, clean", test_digits},
        {"digits, backdoored", test_backdoor},
        {"points of an attack", test_attack_points},
        {"checks that did not run", test_not_run},
        {"a small class", test_small_class},
        {"many classes", test_many_classes},
        {"lies of the guest", test_lies},
        {"labels beyond the model's classes", test_labels_beyond},
        {"the same bytes", test_same_bytes},
    };

    return harness_run("host/score/evaluation", tests, HARNESS_COUNT(tests));
}
