/* SPDX-License-Identifier: Apache-2.0 */
/* engine-logits MODEL X OUT DIM...: the engine's logits, float32, for the samples in X, each of shape DIM... */
#include "guest/engine/network.h"

#include <stdio.h>
#include <stdlib.h>

static void *read_all(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    void *data = NULL;
    long size;

    if (file == NULL)
        return NULL;
    (void)fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    if (size >= 0 && posix_memalign(&data, 64, (size_t)size + 64) == 0)
        *ret_size = fread(data, 1, (size_t)size, file);
    (void)fclose(file);
    return data;
}

static int write_logits(struct network *network, const float *x, size_t size, const char *path, struct error *err)
{
    size_t count = size / sizeof(float) / network_input_size(network), classes = network_classes(network);
    CLEANUP_FREE float *logits = calloc(count * classes + 1, sizeof *logits);
    FILE *file = fopen(path, "wb");
    int ret = logits == NULL || file == NULL ? -1 : network_logits(network, x, count, logits, err);

    if (ret == 0 && fwrite(logits, sizeof *logits, count * classes, file) != count * classes)
        ret = -1;
    if (file != NULL && fclose(file) != 0)
        ret = -1;
    return ret;
}

int main(int argc, char **argv)
{
    struct model_contract contract = {0};
    struct network_options options = {.contract = &contract, .batch = 4, .forward_only = true};
    struct kernels *kernels = NULL;
    struct network *network = NULL;
    struct model *model = NULL;
    struct error err = {0};
    size_t model_size = 0, size = 0;
    CLEANUP_FREE void *file = NULL;
    CLEANUP_FREE float *x = NULL;
    int ret;

    if (argc < 5 || argc > 4 + 7)
        return 2;
    file = read_all(argv[1], &model_size);
    x = read_all(argv[2], &size);
    if (file == NULL || x == NULL)
        return 2;
    for (int i = 4; i < argc; i++)
        contract.sample_dims[contract.sample_rank++] = strtoull(argv[i], NULL, 10);
    ret = kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, &err);
    if (ret == 0)
        ret = model_open(file, model_size, &model, &err);
    options.kernels = kernels;
    options.model = model;
    if (ret == 0)
        ret = network_create(&options, &network, &err);
    if (ret == 0)
        ret = write_logits(network, x, size, argv[3], &err);
    if (ret < 0)
        (void)fprintf(stderr, "%s\n", err.text);
    network_free(network);
    model_free(model);
    kernels_free(kernels);
    return ret < 0 ? 1 : 0;
}
