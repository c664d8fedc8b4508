/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes' GPUs by address: what is read is found again by node and index, in the form that orders have. */
#include "host/farm/slurm/gpu_map.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    struct gpu_map *map = NULL;
    struct error err = {0};
    char address[PCI_ADDRESS_SIZE], index[16];
    const char *node;
    json_t *list;

    if (gpu_map_parse(data, size, "input", &map, &err) < 0) {
        require(err.kind != ERROR_NONE && err.text[0] != '\0');
        return 0;
    }
    json = gpu_map_json(map);
    require(json != NULL && json_object_size(json) > 0);
    json_object_foreach (json, node, list) {
        unsigned count = gpu_map_count(map, node);

        require(count > 0 && count <= GPU_MAP_GPUS_MAX && count == json_array_size(list));
        for (unsigned i = 0; i <= count; i++) {
            (void)snprintf(index, sizeof index, "%u", i);
            require((gpu_map_find(json, node, index, address, NULL) == 0) == (i < count));
        }
    }
    gpu_map_free(map);
    return 0;
}
