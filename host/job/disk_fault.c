/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that is not what its root hash says. */
#include "host/job/disk_fault.h"

#include "base/io.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TAIL_SIZE 16384u /* a panic with its traces */
#define WORD_SIZE 120u

/* What dm-verity logs before it panics (Linux, drivers/md/dm-verity-target.c, verity_handle_err). */
static const char subject[] = "device-mapper: verity: ", verdict[] = " is corrupted";

/* The rest of the line, printable. */
static void take_word(const char *start, char ret_word[WORD_SIZE])
{
    size_t size = 0;

    for (; size + 1 < WORD_SIZE && start[size] != '\0' && start[size] != '\n' && start[size] != '\r'; size++)
        ret_word[size] = start[size] >= ' ' && start[size] <= '~' ? start[size] : '?';
    ret_word[size] = '\0';
}

static bool find_word(const char *tail, char ret_word[WORD_SIZE])
{
    for (const char *line = strstr(tail, subject); line != NULL; line = strstr(line + 1, subject)) {
        take_word(line, ret_word);
        if (strstr(ret_word, verdict) != NULL)
            return true;
    }
    return false;
}

void disk_fault_explain(int console_fd, struct error *err)
{
    char tail[TAIL_SIZE + 1], word[WORD_SIZE];
    struct stat status;
    uint64_t start;
    ssize_t size;

    if (fstat(console_fd, &status) < 0)
        return;
    start = status.st_size > (off_t)TAIL_SIZE ? (uint64_t)status.st_size - TAIL_SIZE : 0;
    size = io_pread_full(console_fd, tail, TAIL_SIZE, start);
    if (size <= 0)
        return;
    for (ssize_t i = 0; i < size; i++)
        if (tail[i] == '\0')
            tail[i] = '?';
    tail[size] = '\0';
    if (find_word(tail, word))
        (void)error_prefix(err,
                           "the image's disk is not what its root hash says, and so the guest's kernel ended the guest "
                           "(\"%s\"); the image was changed while the job began, or the disk under it is failing",
                           word);
}
