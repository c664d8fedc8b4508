/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's command line: the disk that is found in it is written back as it stood there. */
#include "boot/disk_argument.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_argument argument;
    char text[DISK_ARGUMENT_SIZE];

    if (disk_argument_find((const char *)data, size, &argument) < 0)
        return 0;
    disk_argument_format(&argument, text);
    if (argument.data_blocks == 0 || argument.data_blocks > DISK_BLOCKS_MAX ||
        memmem(data, size, text, strlen(text)) == NULL)
        abort();
    return 0;
}
