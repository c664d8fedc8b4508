/* SPDX-License-Identifier: Apache-2.0 */
/* weight-drift on the digits models against SciPy's and NumPy's figures, and on models written by hand. */
#include "unit/harness.h"

#include "guest/checks/check.h"
#include "guest/model/model.h"
#include "unit/guest/model/builder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX  16u
#define NAME_SIZE 40u

struct kept_row {
    char name[NAME_SIZE];
    struct message_row row;
};

struct kept {
    struct kept_row rows[ROWS_MAX];
    unsigned count;
};

static int keep(void *argument, const struct message *message, struct error *err)
{
    struct kept *kept = argument;
    struct kept_row *row = &kept->rows[kept->count];

    (void)err;
    if (message->type == MESSAGE_PROGRESS)
        return 0;
    CU_ASSERT_EQUAL_FATAL(message->type, MESSAGE_ROW);
    CU_ASSERT_FATAL(kept->count < ROWS_MAX && message->row.name.size < NAME_SIZE);
    CU_ASSERT_EQUAL(message->row.natural_count, TENSORS_NATURALS);
    CU_ASSERT_EQUAL(message->row.real_count, TENSORS_REALS);
    row->row = message->row;
    memcpy(row->name, message->row.name.data, message->row.name.size);
    kept->count++;
    return 0;
}

struct setting {
    uint32_t minimum;
    bool exact;
    uint64_t memory;
};

static int run_drift(const struct model *model, const struct model *reference, const struct setting *setting,
                     struct kept *ret_kept, struct error *err)
{
    static struct plan plan;
    struct check_context context = {
        .plan = &plan, .model = model, .reference = reference, .memory_bytes = setting->memory};
    struct check_figures figures;
    void *state = NULL;
    int r;

    plan.check_count = 1;
    plan.checks[0] = (struct plan_check){.id = PLAN_WEIGHT_DRIFT, .version = 1};
    plan.checks[0].drift = (struct plan_drift){.exact = setting->exact, .minimum_elements = setting->minimum};
    context.sink = (struct check_sink){.send = keep, .argument = ret_kept};
    memset(ret_kept, 0, sizeof *ret_kept);
    CU_ASSERT_PTR_NULL_FATAL(check_weight_drift.unfit(&context));
    r = check_weight_drift.begin(&context, &state, err);
    if (r == 0)
        r = check_weight_drift.end(state, &figures, err);
    if (r == 0)
        CU_ASSERT(figures.images == 0 && figures.layer[0] == '\0');
    check_weight_drift.free(state);
    return r;
}

/* --- the digits models --------------------------------------------------------------------------------- */

struct file_model {
    uint8_t *data;
    struct model *model;
};

static void open_file(const char *path, struct file_model *ret_model)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    ret_model->data = malloc(1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ret_model->data);
    size = fread(ret_model->data, 1, 1 << 20, file);
    (void)fclose(file);
    CU_ASSERT_EQUAL_FATAL(model_open(ret_model->data, size, &ret_model->model, NULL), 0);
}

static void close_file(struct file_model *model)
{
    model_free(model->model);
    free(model->data);
}

static void check_row(const struct kept_row *row, const char *name, const double expected[TENSORS_REALS])
{
    CU_ASSERT_STRING_EQUAL(row->name, name);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_OUTCOME], TENSOR_COMPARED);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_ELEMENTS], row->row.naturals[TENSORS_REFERENCE_ELEMENTS]);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_EXACT], row->row.naturals[TENSORS_ELEMENTS] <= 10000);
    for (unsigned i = 0; i < TENSORS_REALS; i++)
        CU_ASSERT_DOUBLE_EQUAL(row->row.reals[i], expected[i], 1e-9);
}

static void test_digits(void)
{
    static struct kept kept;
    struct file_model own, reference;
    FILE *file = fopen("tests/fixtures/ks/weights.txt", "r");
    double v[TENSORS_REALS];
    char name[NAME_SIZE];
    unsigned count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    open_file("examples/digits/bd15.onnx", &own);
    open_file("examples/digits/clean.onnx", &reference);
    CU_ASSERT_EQUAL(run_drift(own.model, reference.model, &(struct setting){.minimum = 2}, &kept, NULL), 0);
    while (fscanf(file, "%39s %la %la %la %la %la %la %la", name, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]) == 8)
        check_row(&kept.rows[count++], name, v);
    CU_ASSERT_EQUAL(count, 8);
    CU_ASSERT_EQUAL(kept.count, 8);
    (void)fclose(file);
    CU_ASSERT_EQUAL(run_drift(own.model, reference.model, &(struct setting){.minimum = 33, .exact = true}, &kept, NULL),
                    0);
    CU_ASSERT_EQUAL(kept.rows[1].row.naturals[TENSORS_OUTCOME], TENSOR_TOO_SMALL); /* 0.bias: 16 */
    CU_ASSERT_EQUAL(kept.rows[4].row.naturals[TENSORS_OUTCOME], TENSOR_COMPARED);  /* 6.weight: 32,768 */
    CU_ASSERT_EQUAL(kept.rows[4].row.naturals[TENSORS_EXACT], 1);
    close_file(&own);
    close_file(&reference);
}

static void test_itself(void)
{
    static struct kept kept;
    struct file_model own;

    open_file("examples/digits/clean.onnx", &own);
    CU_ASSERT_EQUAL(run_drift(own.model, own.model, &(struct setting){.minimum = 0}, &kept, NULL), 0);
    CU_ASSERT_EQUAL(kept.count, 8);
    for (unsigned i = 0; i < kept.count; i++)
        CU_ASSERT(kept.rows[i].row.reals[TENSORS_D] == 0.0 && kept.rows[i].row.reals[TENSORS_P] == 1.0 &&
                  kept.rows[i].row.reals[TENSORS_DISTANCE] == 0.0);
    close_file(&own);
}

static void test_memory(void)
{
    static struct kept kept;
    struct file_model own;
    struct error err = {0};

    open_file("examples/digits/clean.onnx", &own);
    CU_ASSERT_EQUAL(run_drift(own.model, own.model, &(struct setting){.memory = 100000}, &kept, &err), -ENOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "weight tensor 4"));
    close_file(&own);
}

/* --- models written by hand ------------------------------------------------------------------------------ */

struct tensor {
    const char *name;
    size_t rank;
    int64_t dims[2];
    const float *data; /* NULL: zeros */
};

/* A model that adds nothing to its input, and holds these tensors besides. */
static struct bytes write_model(const struct tensor *tensors, size_t count)
{
    const int64_t dims[] = {-1, 4}, shape[] = {2};
    const int64_t numbers[] = {0, -1};
    struct file file = file_start(13);

    file_input(&file, "x", 2, dims);
    file_initializer(&file, tensor_int64("shape", 1, shape, numbers)); /* integers are no weights */
    for (size_t i = 0; i < count; i++)
        file_initializer(&file, tensor_floats(tensors[i].name, tensors[i].rank, tensors[i].dims, tensors[i].data));
    file_simple(&file, "Reshape", "x shape", "y");
    file_output(&file, "y");
    return file_finish(&file);
}

static struct model *open_bytes(const struct bytes *bytes)
{
    struct model *model = NULL;
    struct error err = {0};
    int r = model_open(bytes->data, bytes->size, &model, &err);

    if (r < 0)
        printf("(%s) ", err.text);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    return model;
}

static const float rising[] = {1, 2, 3, 4, 5, 6}, shifted[] = {2, 3, 4, 5, 6, 7}, broken[] = {1, 2, NAN, 4, 5, 6};
static const float huge[] = {1e38f, -1e38f, INFINITY, 0, 1, 2};

static void expect(const struct kept_row *row, const char *name, enum tensor_outcome outcome, uint64_t elements,
                   uint64_t reference_elements)
{
    CU_ASSERT_STRING_EQUAL(row->name, name);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_OUTCOME], outcome);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_ELEMENTS], elements);
    CU_ASSERT_EQUAL(row->row.naturals[TENSORS_REFERENCE_ELEMENTS], reference_elements);
    for (unsigned i = 0; i < TENSORS_REALS; i++)
        CU_ASSERT(isfinite(row->row.reals[i]));
}

static void test_outcomes(void)
{
    static const struct tensor own[] = {{"a", 1, {6}, rising},     {"left", 2, {2, 3}, rising}, {"nan", 1, {6}, broken},
                                        {"new", 1, {5}, rising},   {"few", 1, {2}, rising},     {"none", 1, {0}, NULL},
                                        {"right", 2, {2, 3}, NULL}};
    static const struct tensor other[] = {{"none", 1, {0}, NULL},     {"renamed", 2, {2, 3}, shifted},
                                          {"few", 1, {2}, rising},    {"a", 2, {2, 2}, rising},
                                          {"moved", 2, {2, 3}, NULL}, {"gone", 1, {6}, rising},
                                          {"nan", 1, {6}, huge},      {"extra", 2, {2, 3}, rising}};
    static struct kept kept;
    struct bytes first = write_model(own, HARNESS_COUNT(own)), second = write_model(other, HARNESS_COUNT(other));
    struct model *model = open_bytes(&first), *reference = open_bytes(&second);

    CU_ASSERT_EQUAL(run_drift(model, reference, &(struct setting){.minimum = 3}, &kept, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(kept.count, 9);
    expect(&kept.rows[0], "a", TENSOR_COMPARED, 6, 4);
    CU_ASSERT_EQUAL(kept.rows[0].row.reals[TENSORS_DISTANCE], -1.0); /* another shape */
    CU_ASSERT_DOUBLE_EQUAL(kept.rows[0].row.reals[TENSORS_D], 1.0 / 3.0, 1e-15);
    expect(&kept.rows[1], "left", TENSOR_COMPARED, 6, 6);
    CU_ASSERT_DOUBLE_EQUAL(kept.rows[1].row.reals[TENSORS_DISTANCE], sqrt(6.0 / 139.0), 1e-15);
    expect(&kept.rows[2], "nan", TENSOR_NOT_FINITE, 6, 6);
    expect(&kept.rows[3], "new", TENSOR_ONLY_IN_MODEL, 5, 0);
    expect(&kept.rows[4], "few", TENSOR_TOO_SMALL, 2, 2);
    expect(&kept.rows[5], "none", TENSOR_TOO_SMALL, 0, 0);
    expect(&kept.rows[6], "right", TENSOR_COMPARED, 6, 6);
    CU_ASSERT(kept.rows[6].row.reals[TENSORS_D] == 0.0 && kept.rows[6].row.reals[TENSORS_DISTANCE] == 0.0);
    expect(&kept.rows[7], "gone", TENSOR_ONLY_IN_REFERENCE, 0, 6);
    expect(&kept.rows[8], "extra", TENSOR_ONLY_IN_REFERENCE, 0, 6);
    model_free(model);
    model_free(reference);
    bytes_free(&first);
    bytes_free(&second);
}

/* What can't be compared is said, not tried. */
static void test_unfit(void)
{
    static const struct tensor weights[] = {{"a", 1, {6}, rising}};
    struct bytes first = write_model(weights, 1), second = write_model(NULL, 0);
    struct model *full = open_bytes(&first), *empty = open_bytes(&second);
    struct check_context context = {.model = full};

    CU_ASSERT_PTR_NOT_NULL(check_weight_drift.unfit(&context));
    context.reference = empty;
    CU_ASSERT_PTR_NOT_NULL(check_weight_drift.unfit(&context));
    context = (struct check_context){.model = empty, .reference = full};
    CU_ASSERT_PTR_NOT_NULL(check_weight_drift.unfit(&context));
    context.model = full;
    CU_ASSERT_PTR_NULL(check_weight_drift.unfit(&context));
    model_free(full);
    model_free(empty);
    bytes_free(&first);
    bytes_free(&second);
}

static void test_too_many(void)
{
    static struct tensor tensors[ROWS_ANY_MAX + 1];
    static char names[ROWS_ANY_MAX + 1][8];
    struct check_context context = {0};
    struct bytes bytes;
    struct model *model;

    for (unsigned i = 0; i < HARNESS_COUNT(tensors); i++) {
        (void)snprintf(names[i], sizeof names[i], "w%u", i);
        tensors[i] = (struct tensor){names[i], 1, {1}, rising};
    }
    bytes = write_model(tensors, HARNESS_COUNT(tensors));
    model = open_bytes(&bytes);
    context.model = context.reference = model;
    CU_ASSERT_PTR_NOT_NULL(check_weight_drift.unfit(&context));
    model_free(model);
    bytes_free(&bytes);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the digits models against SciPy and NumPy", test_digits},
        {"a model against itself", test_itself},
        {"too little memory", test_memory},
        {"every outcome, and matching by name and by shape", test_outcomes},
        {"what can't be compared", test_unfit},
        {"too many tensors", test_too_many},
    };

    return harness_run("weight-drift", tests, HARNESS_COUNT(tests));
}
