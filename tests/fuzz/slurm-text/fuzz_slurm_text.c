/* SPDX-License-Identifier: Apache-2.0 */
/* What sbatch, squeue and sinfo print; whatever is read keeps the header's promises. */
#include "host/farm/slurm/text.h"

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
    struct cursor tasks = cursor_over(data, size), nodes = cursor_over(data, size);
    struct slurm_task task;
    struct slurm_node node;
    int64_t job = 0;

    require(slurm_read_submitted(data, size, &job) < 0 || (job > 0 && job <= UINT32_MAX));
    while (slurm_next_task(&tasks, &task) == 1) {
        require(task.task < SLURM_TASKS_MAX && task.stage <= SLURM_NODE_LOST);
        require(memchr(task.name, 0, sizeof task.name) != NULL && memchr(task.node, 0, sizeof task.node) != NULL);
        require(memchr(task.reason, 0, sizeof task.reason) != NULL && strpbrk(task.reason, "\n\x1b") == NULL);
    }
    while (slurm_next_node(&nodes, &node) == 1)
        require(slurm_is_node_name(node.name) && node.gpus <= SLURM_GPUS_MAX);
    require(cursor_left(&tasks) == 0 && cursor_left(&nodes) == 0);
    return 0;
}
