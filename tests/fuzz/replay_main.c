/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once over each file of a folder: the seeds and the regression vectors. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_FILE_MAX ((size_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    size_t size;

    if (file == NULL)
        return -1;
    data = malloc(REPLAY_FILE_MAX);
    if (data == NULL) {
        (void)fclose(file);
        return -1;
    }
    size = fread(data, 1, REPLAY_FILE_MAX, file);
    (void)fclose(file);
    /* An exact allocation, so that a read beyond the end meets the sanitizer. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact != NULL) {
        memcpy(exact, data, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;

        if (folder == NULL) {
            (void)fprintf(stderr, "no seeds at %s\n", argv[i]);
            return 1;
        }
        while ((entry = readdir(folder)) != NULL) {
            char path[4096];

            if (entry->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (replay_file(path) < 0)
                return 1;
            count++;
        }
        (void)closedir(folder);
    }
    (void)printf("%u seeds replayed\n", count);
    return count > 0 ? 0 : 1;
}
