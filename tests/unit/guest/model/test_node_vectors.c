/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX's own test vectors, one operator a model: imported, run forward, compared with their outputs.
 *
 * A vector is run once for each of its float inputs, with that one computed and the others constant,
 * which is how models have them. Every vector of a supported operator either gives the expected output
 * or is refused with a reason; the program prints how many of each.
 */
#include "guest/engine/executor.h"
#include "guest/engine/kernels/kernels.h"
#include "guest/model/model_raw.h"
#include "page.h"
#include "unit/harness.h"
#include "vector_gradient.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX   ((size_t)64 * 1024 * 1024)
#define INPUTS_MAX 16u
#define MODELS_MAX 2048u

static const char *written; /* where to write the page to; NULL: compare it */

/* At least so many pass in Debian 12's libonnx-testdata 1.12; what the page says of each. */
static const struct {
    const char *path, *what;
    unsigned passing;
} folders[] = {
    {"/usr/share/libonnx-testdata/data/node", "ONNX's own vectors of single operators", 734},
    {"/usr/share/libonnx-testdata/data/simple", "small models", 7},
    {"/usr/share/libonnx-testdata/data/pytorch-operator", "of operators of PyTorch", 35},
    {"/usr/share/libonnx-testdata/data/pytorch-converted", "of layers of PyTorch", 82},
};

/*
 * Vectors that are compared less closely than 1e-5: as ONNX's own runner compares all (1e-3) those that have 6.28319
 * for 2 pi in the model itself and a mean of thousands of terms that numpy adds in pairs; within bfloat16's last
 * place those whose expectation was cut off where we round to nearest, as onnxruntime does.
 */
static const struct {
    const char *name;
    double tolerance;
} loose[] = {
    {"test_blackmanwindow_expanded", 1e-3},
    {"test_blackmanwindow_symmetric_expanded", 1e-3},
    {"test_hammingwindow_expanded", 1e-3},
    {"test_hammingwindow_symmetric_expanded", 1e-3},
    {"test_hannwindow_expanded", 1e-3},
    {"test_hannwindow_symmetric_expanded", 1e-3},
    {"test_nllloss_NCd1d2d3d4d5_mean_weight_expanded", 1e-3},
    {"test_cast_FLOAT_to_BFLOAT16", 0x1p-7},
    {"test_castlike_FLOAT_to_BFLOAT16", 0x1p-7},
    {"test_castlike_FLOAT_to_BFLOAT16_expanded", 0x1p-7},
};

static double tolerance;

static struct {
    unsigned models, passed, unsupported, refused, mismatched, gradients;
    double worst, worst_gradient;
} tally;

static const char *running; /* the vector's name */

static struct page page; /* what docs/operators.md has to say */

struct blob {
    uint8_t *data;
    size_t size;
};

static void blob_free(struct blob *blob)
{
    free(blob->data);
}

static bool blob_read(const char *path, struct blob *ret_blob)
{
    FILE *file = fopen(path, "rb");
    long size;

    if (file == NULL)
        return false;
    (void)fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    ret_blob->data = size < 0 || (size_t)size > FILE_MAX ? NULL : malloc((size_t)size + 1);
    ret_blob->size = ret_blob->data == NULL ? 0 : fread(ret_blob->data, 1, (size_t)size, file);
    (void)fclose(file);
    return ret_blob->data != NULL;
}

enum outcome { PASSED, REFUSED, MISMATCHED, NOT_DEPENDENT };

/* Relative to the larger of 1 and the expected value, as ONNX's own runner does with rtol = atol. */
static bool close_enough(const float *got, const float *expected, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        double scale = fabs((double)expected[i]) > 1 ? fabs((double)expected[i]) : 1;
        double off = fabs((double)got[i] - (double)expected[i]) / scale;

        if (got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])))
            continue;
        if (!(off <= tolerance)) {
            printf("  element %llu is %.9g instead of %.9g\n", (unsigned long long)i, (double)got[i],
                   (double)expected[i]);
            return false;
        }
        if (off > tally.worst && tolerance < 1e-4)
            tally.worst = off;
    }
    return true;
}

static enum outcome compare(const struct graph_value *value, const float *got, const struct blob *expected)
{
    CLEANUP_FREE float *floats = NULL;
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t rank;

    if (model_raw_tensor(expected->data, expected->size, &rank, dims, &floats, NULL) < 0)
        return REFUSED;
    if (rank != value->rank || (rank > 0 && memcmp(dims, value->dims, rank * sizeof *dims) != 0))
        return MISMATCHED;
    return close_enough(got, floats, value->elements) ? PASSED : MISMATCHED;
}

/* Whether a TensorProto, whose first fields are dims (1) and data_type (2), holds floats. */
static bool is_float(const struct blob *tensor)
{
    size_t at = 0;

    while (at + 1 < tensor->size && tensor->data[at] == 0x08) {
        while (++at < tensor->size && (tensor->data[at] & 0x80) != 0)
            ;
        at++;
    }
    return at + 1 < tensor->size && tensor->data[at] == 0x10 &&
           (tensor->data[at + 1] == 1 || tensor->data[at + 1] == 10 || tensor->data[at + 1] == 11);
}

static void check_gradient(struct kernels *kernels, const struct graph *graph, const float *x)
{
    double error = vector_gradient_error(kernels, graph, x);

    if (!(error >= 0))
        return;
    tally.gradients++;
    if (error > tally.worst_gradient)
        tally.worst_gradient = error;
    if (error > 1e-5)
        printf("  gradient is off by %.3g: %s\n", error, running);
    CU_ASSERT(error <= 1e-5);
}

/* Runs the graph for one of its outputs. */
static enum outcome run_output(struct kernels *kernels, struct graph *graph, uint32_t output, const struct blob *input,
                               const struct blob *expected, struct error *err)
{
    const struct executor_options options = {.kernels = kernels, .graph = graph, .layer = GRAPH_NONE};
    struct executor *executor = NULL;
    CLEANUP_FREE float *floats = NULL;
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t rank;
    enum outcome outcome = REFUSED;

    if (graph->values[output].constant != NULL)
        return compare(&graph->values[output], graph->values[output].constant, expected);
    graph->logits = output;
    if (executor_create(&options, &executor, err) < 0)
        return strstr(err->text, "don't depend") != NULL ? NOT_DEPENDENT : REFUSED;
    if (model_raw_tensor(input->data, input->size, &rank, dims, &floats, err) == 0) {
        memcpy(executor_input(executor, EXECUTOR_FORWARD), floats,
               graph->values[graph->input].elements * sizeof *floats);
        if (executor_forward(executor, EXECUTOR_FORWARD, 1, err) == 0)
            outcome = compare(&graph->values[output], executor_logits(executor, EXECUTOR_FORWARD), expected);
        if (outcome == PASSED && is_float(input))
            check_gradient(kernels, graph, floats);
    }
    executor_free(executor);
    return outcome;
}

struct vector {
    struct blob inputs[INPUTS_MAX], outputs[INPUTS_MAX];
    uint32_t input_count, output_count;
};

static void vector_free(struct vector *vector)
{
    for (uint32_t i = 0; i < INPUTS_MAX; i++) {
        blob_free(&vector->inputs[i]);
        blob_free(&vector->outputs[i]);
    }
}

/* With input `computed` computed, or none of them. */
static enum outcome run_binding(struct kernels *kernels, const struct model *model, const struct vector *vector,
                                uint32_t computed, struct error *err)
{
    struct model_raw_input inputs[INPUTS_MAX];
    uint32_t ret_inputs[INPUTS_MAX], ret_outputs[64];
    struct graph *graph = NULL;
    enum outcome outcome = PASSED;
    bool ran = false;

    for (uint32_t i = 0; i < vector->input_count; i++)
        inputs[i] = (struct model_raw_input){vector->inputs[i].data, vector->inputs[i].size, i == computed};
    if (model_graph_raw(model, inputs, vector->input_count, &graph, ret_inputs, ret_outputs, err) < 0)
        return REFUSED;
    for (uint32_t i = 0; outcome == PASSED && i < vector->output_count; i++) {
        const struct blob *input = computed < vector->input_count ? &vector->inputs[computed] : NULL;

        if (input == NULL && graph->values[ret_outputs[i]].constant == NULL) {
            outcome = NOT_DEPENDENT;
            break;
        }
        outcome = run_output(kernels, graph, ret_outputs[i], input, &vector->outputs[i], err);
        ran = true;
    }
    graph_free(graph);
    return ran ? outcome : NOT_DEPENDENT;
}

/* All ways to bind a vector's inputs: a mismatch of one is a mismatch, else a pass of one is a pass. */
static enum outcome run_vector(struct kernels *kernels, const struct model *model, const struct vector *vector,
                               struct error *err)
{
    enum outcome best = REFUSED;

    for (uint32_t k = 0; k <= vector->input_count; k++) {
        struct error other = {0}; /* the first reason is told: of the first input computed */
        enum outcome outcome = run_binding(kernels, model, vector, k, err->text[0] == '\0' ? err : &other);

        if (outcome == MISMATCHED)
            return MISMATCHED;
        if (outcome == PASSED)
            best = PASSED;
    }
    return best;
}

static void read_vector(const char *folder, const struct model *model, struct vector *ret_vector)
{
    char path[1024];

    for (uint32_t i = 0; i < INPUTS_MAX; i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/input_%u.pb", folder, i);
        if (!blob_read(path, &ret_vector->inputs[i]))
            break;
        ret_vector->input_count++;
    }
    for (uint32_t i = 0; i < INPUTS_MAX && i < model_raw_output_count(model); i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/output_%u.pb", folder, i);
        if (!blob_read(path, &ret_vector->outputs[i]))
            break;
        ret_vector->output_count++;
    }
}

/*
 * Tensors of bfloat16 are in these files as uint16, numpy having no such type: data_type, the second field, is set
 * right.
 */
static void mend_bfloat16(struct blob *tensor)
{
    static const uint8_t uint16[] = {0x10, 0x04};
    uint8_t *field = tensor->data == NULL
                         ? NULL
                         : memmem(tensor->data, tensor->size < 16 ? tensor->size : 16, uint16, sizeof uint16);

    if (field != NULL)
        field[1] = 0x10;
}

static void set_tolerance(const char *name)
{
    tolerance = 1e-5;
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++)
        if (strcmp(name, loose[i].name) == 0)
            tolerance = loose[i].tolerance;
}

/* Opened and run; the operator of a model of one node. */
static enum outcome run_model(struct kernels *kernels, const char *folder, char *operator_name, struct error *err)
{
    char path[1024];
    CLEANUP(blob_free) struct blob file = {0};
    CLEANUP(vector_free) struct vector vector = {0};
    struct model *model = NULL;
    enum outcome outcome;

    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (!blob_read(path, &file))
        return NOT_DEPENDENT;
    tally.models++;
    if (model_open(file.data, file.size, &model, err) < 0) {
        tally.unsupported++;
        CU_ASSERT_EQUAL(err->kind, ERROR_UNAVAILABLE); /* no vector is malformed */
        return REFUSED;
    }
    model_raw_operator(model, operator_name);
    read_vector(folder, model, &vector);
    for (uint32_t i = 0; i < INPUTS_MAX && strstr(folder, "BFLOAT16") != NULL; i++) {
        mend_bfloat16(&vector.inputs[i]);
        mend_bfloat16(&vector.outputs[i]);
    }
    outcome = run_vector(kernels, model, &vector, err);
    tally.passed += outcome == PASSED;
    tally.mismatched += outcome == MISMATCHED;
    tally.refused += outcome != PASSED && outcome != MISMATCHED;
    model_free(model);
    return outcome;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, in order; the caller frees them. */
static size_t list_folder(const char *folder, char **ret_names)
{
    DIR *handle = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    while (handle != NULL && count < MODELS_MAX && (entry = readdir(handle)) != NULL)
        if (entry->d_name[0] != '.')
            ret_names[count++] = strdup(entry->d_name);
    if (handle != NULL)
        (void)closedir(handle);
    qsort(ret_names, count, sizeof *ret_names, by_name);
    return count;
}

static void run_folder(struct kernels *kernels, size_t index)
{
    char *names[MODELS_MAX], path[1024];
    size_t count = list_folder(folders[index].path, names);

    memset(&tally, 0, sizeof tally);
    for (size_t i = 0; i < count; i++) {
        char operator_name[MODEL_RAW_OPERATOR_MAX] = "";
        struct error err = {0};
        enum outcome outcome;

        running = names[i];
        set_tolerance(names[i]);
        (void)snprintf(path, sizeof path, "%s/%s", folders[index].path, names[i]);
        outcome = run_model(kernels, path, operator_name, &err);
        if (outcome == MISMATCHED)
            printf("  MISMATCH %s\n", names[i]);
        if (outcome == PASSED)
            page_passed(&page, index == 0, operator_name, names[i]);
        else
            page_refused(&page, names[i], err.text);
        free(names[i]);
    }
    page_folder(&page, strrchr(folders[index].path, '/') + 1, folders[index].what, tally.models, tally.passed);
}

static void test_vectors(void)
{
    struct kernels *kernels = NULL;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    printf("\n");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        run_folder(kernels, i);
        printf("%s: %u models: %u passed, %u refused on lowering, %u not opened, %u MISMATCHED; largest error %.2g;\n"
               "  %u gradients against central differences in f64, largest error %.2g\n",
               strrchr(folders[i].path, '/') + 1, tally.models, tally.passed, tally.refused, tally.unsupported,
               tally.mismatched, tally.worst, tally.gradients, tally.worst_gradient);
        CU_ASSERT_EQUAL(tally.mismatched, 0);
        CU_ASSERT(tally.passed >= folders[i].passing);
    }
    kernels_free(kernels);
}

static void test_page(void)
{
    CLEANUP_FREE char *text = page_print(&page);
    CLEANUP(blob_free) struct blob file = {0};

    CU_ASSERT_FATAL(text != NULL);
    if (written != NULL) {
        FILE *to = fopen(written, "w");

        CU_ASSERT_FATAL(to != NULL);
        CU_ASSERT(fputs(text, to) >= 0);
        CU_ASSERT_EQUAL(fclose(to), 0);
        return;
    }
    CU_ASSERT_FATAL(blob_read("docs/operators.md", &file));
    if (file.size != strlen(text) || memcmp(file.data, text, file.size) != 0) {
        printf("\n  docs/operators.md is not current; it says itself which command writes it\n");
        CU_FAIL("docs/operators.md");
    }
}

int main(int argc, char **argv)
{
    static const struct harness_test tests[] = {{"ONNX's vectors", test_vectors}, {"docs/operators.md", test_page}};
    DIR *handle = opendir(folders[0].path);

    written = argc > 2 && strcmp(argv[1], "--write") == 0 ? argv[2] : NULL;
    if (handle == NULL) {
        printf("no test vectors (Debian: libonnx-testdata)\n");
        return HARNESS_SKIPPED;
    }
    (void)closedir(handle);
    return harness_run("node vectors", tests, HARNESS_COUNT(tests));
}
