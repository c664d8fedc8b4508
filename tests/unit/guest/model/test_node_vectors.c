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
#include "unit/harness.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX   ((size_t)64 * 1024 * 1024)
#define INPUTS_MAX 16u

/* At least so many pass in Debian 12's libonnx-testdata 1.12. */
static const struct {
    const char *path;
    unsigned passing;
} folders[] = {
    {"/usr/share/libonnx-testdata/data/node", 201},
    {"/usr/share/libonnx-testdata/data/simple", 1},
    {"/usr/share/libonnx-testdata/data/pytorch-operator", 13},
    {"/usr/share/libonnx-testdata/data/pytorch-converted", 50},
};

static struct {
    unsigned models, passed, unsupported, refused, mismatched;
    double worst;
} tally;

static bool verbose; /* says why each model was not opened */

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
        if (!(off <= 1e-5)) {
            printf("  element %llu is %.9g instead of %.9g\n", (unsigned long long)i, (double)got[i],
                   (double)expected[i]);
            return false;
        }
        if (off > tally.worst)
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
        enum outcome outcome = run_binding(kernels, model, vector, k, err);

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
 * PyTorch's vectors are of operator set 6, one before the first that is supported. Most operators did
 * not change between the two, so these files are run as operator set 7; where one did change, its old
 * attributes (broadcast, is_test) are unknown and the file is refused.
 */
static void raise_opset(struct blob *file)
{
    static const uint8_t short_form[] = {0x42, 0x02, 0x10, 0x06}, long_form[] = {0x42, 0x04, 0x0a, 0x00, 0x10, 0x06};

    if (file->size > sizeof short_form &&
        memcmp(file->data + file->size - sizeof short_form, short_form, sizeof short_form) == 0)
        file->data[file->size - 1] = 7;
    if (file->size > sizeof long_form &&
        memcmp(file->data + file->size - sizeof long_form, long_form, sizeof long_form) == 0)
        file->data[file->size - 1] = 7;
}

static void run_model(struct kernels *kernels, const char *folder)
{
    char path[1024];
    CLEANUP(blob_free) struct blob file = {0};
    CLEANUP(vector_free) struct vector vector = {0};
    struct model *model = NULL;
    struct error err = {0};
    enum outcome outcome;

    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (!blob_read(path, &file))
        return;
    tally.models++;
    raise_opset(&file);
    if (model_open(file.data, file.size, &model, &err) < 0) {
        tally.unsupported++;
        if (verbose)
            printf("  not opened  %s: %s\n", strrchr(folder, '/') + 1, err.text);
        if (err.kind != ERROR_UNAVAILABLE)
            printf("  MALFORMED?  %s: %s\n", strrchr(folder, '/') + 1, err.text);
        return;
    }
    read_vector(folder, model, &vector);
    outcome = run_vector(kernels, model, &vector, &err);
    tally.passed += outcome == PASSED;
    tally.mismatched += outcome == MISMATCHED;
    tally.refused += outcome != PASSED && outcome != MISMATCHED;
    if (outcome != PASSED)
        printf("  %s %s: %s\n", outcome == MISMATCHED ? "MISMATCH   " : "refused    ", strrchr(folder, '/') + 1,
               err.text);
    model_free(model);
}

static void run_folder(struct kernels *kernels, const char *folder)
{
    DIR *handle = opendir(folder);
    struct dirent *entry;
    char path[1024];

    if (handle == NULL)
        return;
    while ((entry = readdir(handle)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        run_model(kernels, path);
    }
    (void)closedir(handle);
}

static void test_vectors(void)
{
    struct kernels *kernels = NULL;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    printf("\n");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        memset(&tally, 0, sizeof tally);
        run_folder(kernels, folders[i].path);
        printf("%s: %u models: %u passed, %u refused on lowering, %u not opened, %u MISMATCHED; largest error %.2g\n",
               strrchr(folders[i].path, '/') + 1, tally.models, tally.passed, tally.refused, tally.unsupported,
               tally.mismatched, tally.worst);
        CU_ASSERT_EQUAL(tally.mismatched, 0);
        CU_ASSERT(tally.passed >= folders[i].passing);
    }
    kernels_free(kernels);
}

int main(int argc, char **argv)
{
    static const struct harness_test tests[] = {{"ONNX's vectors", test_vectors}};
    DIR *handle = opendir(folders[0].path);

    (void)argv;
    verbose = argc > 1;
    if (handle == NULL) {
        printf("no test vectors (Debian: libonnx-testdata)\n");
        return HARNESS_SKIPPED;
    }
    (void)closedir(handle);
    return harness_run("node vectors", tests, HARNESS_COUNT(tests));
}
