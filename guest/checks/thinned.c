/* SPDX-License-Identifier: Apache-2.0 */
/* Points of a stream, thinned evenly: where there is no room, every second of those kept goes. */
#include "guest/checks/thinned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void thinned_start(struct thinned *thinned, uint32_t limit)
{
    *thinned = (struct thinned){.limit = limit, .stride = 1};
}

static void halve(struct thinned *thinned)
{
    for (uint32_t i = 0; 2 * i < thinned->count; i++)
        memmove(thinned->bytes + (size_t)i * POINTS_SIZE, thinned->bytes + (size_t)2 * i * POINTS_SIZE, POINTS_SIZE);
    thinned->count = thinned->count / 2 + thinned->count % 2;
    thinned->stride *= 2;
}

int thinned_add(struct thinned *thinned, double x, double y, uint8_t cluster)
{
    uint64_t index = thinned->seen++;

    if (thinned->limit == 0 || index % thinned->stride != 0)
        return 0;
    if (thinned->bytes == NULL)
        thinned->bytes = malloc((size_t)thinned->limit * POINTS_SIZE);
    if (thinned->bytes == NULL)
        return -ENOMEM;
    while (thinned->count == thinned->limit) {
        halve(thinned);
        if (index % thinned->stride != 0)
            return 0;
    }
    points_write(x, y, cluster, thinned->bytes + (size_t)thinned->count++ * POINTS_SIZE);
    return 0;
}

void thinned_free(struct thinned *thinned)
{
    free(thinned->bytes);
    thinned->bytes = NULL;
}
