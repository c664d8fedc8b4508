/* SPDX-License-Identifier: Apache-2.0 */
/* Whole models: the digits examples, the input contract, logits, and bad files with their messages. */
#include "guest/model/model.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct model_contract digits_contract = {.sample_rank = 3, .sample_dims = {1, 8, 8}};

static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;

    if (file == NULL)
        return NULL;
    data = malloc(1 << 20);
    *ret_size = data == NULL ? 0 : fread(data, 1, 1 << 20, file);
    (void)fclose(file);
    return data;
}

static void check_digits(const char *path)
{
    size_t size = 0;
    uint8_t *data = read_file(path, &size);
    struct model *model = NULL;
    struct graph *graph = NULL;
    struct model_memory memory = {0};
    struct error err = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL_FATAL(model_open(data, size, &model, &err), 0);
    CU_ASSERT_EQUAL(model_fixed_batch(model, &digits_contract), 0);
    CU_ASSERT_EQUAL_FATAL(model_graph(model, &digits_contract, 7, &graph, &err), 0);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_value *value = &graph->values[graph->nodes[i].output];

        printf("\n    %-10s %-24s", graph_op_name(graph->nodes[i].op), value->name);
        for (uint32_t k = 0; k < value->rank; k++)
            printf(" %llu", (unsigned long long)value->dims[k]);
    }
    printf("\n    logits %s, penultimate %s\n", graph->values[graph->logits].name,
           graph->values[graph->penultimate].name);
    CU_ASSERT_EQUAL(graph->values[graph->logits].rank, 2);
    CU_ASSERT_EQUAL(graph->values[graph->logits].dims[0], 7);
    CU_ASSERT_EQUAL(graph->values[graph->logits].dims[1], 10);
    CU_ASSERT_EQUAL(model_measure(model, &digits_contract, 7, &memory, &err), 0);
    CU_ASSERT(memory.constants > 100000 && memory.constants < size);
    graph_free(graph);
    model_free(model);
    free(data);
}

static void test_digits(void)
{
    check_digits("examples/digits/clean.onnx");
    check_digits("examples/digits/bd15.onnx");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the digits models", test_digits},
    };

    return harness_run("model", tests, HARNESS_COUNT(tests));
}
