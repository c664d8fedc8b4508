/* SPDX-License-Identifier: Apache-2.0 */
/* Three versions, a NUL between them, in Debian's order: it is one, whatever they are; and no hole needs another. */
#include "host/doctor/debian_version.h"
#include "host/doctor/holes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PART_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int value)
{
    return value < 0 ? -1 : value > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char parts[3][PART_MAX] = {{0}};
    int ab, bc, ac;

    for (unsigned i = 0; i < 3 && size > 0; i++) {
        size_t part = strnlen((const char *)data, size);

        memcpy(parts[i], data, part < PART_MAX - 1 ? part : PART_MAX - 1);
        data += part < size ? part + 1 : part;
        size -= part < size ? part + 1 : part;
    }
    ab = sign(debian_version_compare(parts[0], parts[1]));
    bc = sign(debian_version_compare(parts[1], parts[2]));
    ac = sign(debian_version_compare(parts[0], parts[2]));
    if (ab != -sign(debian_version_compare(parts[1], parts[0])) || debian_version_compare(parts[0], parts[0]) != 0)
        abort();
    if ((ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) || (ab == 0 && bc == 0 && ac != 0))
        abort();
    for (size_t i = 0; i < hole_count; i++)
        (void)(hole_in_upstream(&holes[i], parts[0]) && hole_in_debian(&holes[i], parts[1]));
    return 0;
}
