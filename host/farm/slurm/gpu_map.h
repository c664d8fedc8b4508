/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which PCI address each of a node's GPUs in Slurm is: batch's --node-gpus. A line a node, its GPUs in the order in
 * which its gres.conf names their devices, as SLURM_JOB_GPUS counts in it:
 *
 *   # node     GPUs 0, 1, …
 *   node017    0000:3b:00.0 0000:af:00.0
 *   *          0000:65:00.0                  every node that has no line of its own
 *
 * Source of the counting: srun(1), SLURM_JOB_GPUS; seen with 22.05 that numbers in the devices' names do not count.
 */
#ifndef LAZARET_HOST_FARM_SLURM_GPU_MAP_H
#define LAZARET_HOST_FARM_SLURM_GPU_MAP_H

#include "base/error.h"
#include "host/farm/slurm/text.h"
#include "host/vm/passthrough/pci_address.h"

#include <jansson.h>

#define GPU_MAP_SIZE_MAX  ((size_t)256 * 1024)
#define GPU_MAP_NODES_MAX 1025u /* as many as a farm has, and the rest */
#define GPU_MAP_GPUS_MAX  16u   /* of a node */
#define GPU_MAP_REST      "*"

struct gpu_map;

/* ERROR_BAD_INPUT, -EBADMSG: "NAME: line N: WHAT", harmless for a terminal. gpu_map_free() it. */
MUST_USE int gpu_map_parse(const void *text, size_t size, const char *name, struct gpu_map **ret_map,
                           struct error *err);
MUST_USE int gpu_map_load(const char *path, struct gpu_map **ret_map, struct error *err);
void gpu_map_free(struct gpu_map *map); /* NULL is fine */

/* How many GPUs of this node the map names; 0: none. */
unsigned gpu_map_count(const struct gpu_map *map, const char *node);

/* The map as orders have it: {"node017":["0000:3b:00.0",…],"*":[…]}. The caller's reference, or NULL without memory. */
json_t *gpu_map_json(const struct gpu_map *map);

/*
 * On a node: the GPU that Slurm's SLURM_JOB_GPUS (`said`, foreign; NULL for none) means, from gpu_map_json(), which is
 * foreign too. ERROR_UNAVAILABLE: Slurm gave none, or another number than one; the map names none of that index;
 * ERROR_BAD_INPUT: the map is none.
 */
MUST_USE int gpu_map_find(const json_t *map, const char *node, const char *said, char ret_address[PCI_ADDRESS_SIZE],
                          struct error *err);

#endif
