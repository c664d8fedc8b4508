/* SPDX-License-Identifier: Apache-2.0 */
/* A job's journal, and the reaper. */
#include "host/job/journal.h"

#include "host/job/staging.h"
#include "host/vm/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#define JOURNAL_FOLDER   "jobs"
#define JOURNAL_SUFFIX   ".journal"
#define JOURNAL_SIZE_MAX ((size_t)3 * PATH_MAX)

struct journal {
    char id[17], path[PATH_MAX];
    int fd;
};

static int open_folder(int *ret_fd, struct error *err)
{
    CLEANUP_FD int state = -1;
    int r = state_open(&state, err);

    return r < 0 ? r : state_open_folder(state, JOURNAL_FOLDER, ret_fd, err);
}

int journal_create(struct journal **ret_journal, struct error *err)
{
    CLEANUP_JOURNAL struct journal *journal = calloc(1, sizeof *journal);
    CLEANUP_FD int folder = -1;
    uint64_t random;
    int r;

    if (journal == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the journal");
    journal->fd = -1;
    r = open_folder(&folder, err);
    if (r < 0)
        return r;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    (void)snprintf(journal->id, sizeof journal->id, "%016llx", (unsigned long long)random);
    (void)snprintf(journal->path, sizeof journal->path, "%s/" JOURNAL_FOLDER "/%s" JOURNAL_SUFFIX, state_path(),
                   journal->id);
    journal->fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
    if (journal->fd < 0 || flock(journal->fd, LOCK_EX | LOCK_NB) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't write the journal: %s", journal->path,
                         strerror(errno));
    *ret_journal = TAKE_POINTER(journal);
    return 0;
}

const char *journal_id(const struct journal *journal)
{
    return journal->id;
}

const char *journal_path(const struct journal *journal)
{
    return journal->path;
}

int journal_step(struct journal *journal, const char *step, const char *detail, struct error *err)
{
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%s %s\n", step, detail);

    if (write(journal->fd, line, (size_t)size) != size || fdatasync(journal->fd) < 0)
        return error_set(err, ERROR_UNAVAILABLE, errno > 0 ? -errno : -EIO, "%s: can't write the journal: %s",
                         journal->path, strerror(errno));
    return 0;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0) {
        (void)unlink(journal->path);
        (void)close(journal->fd);
    }
    free(journal);
}

/* --- the reaper -------------------------------------------------------------------------------------- */

/* The hidden directory that a journal's "staging" line names. */
static void undo_staging(int fd)
{
    CLEANUP_FREE char *text = calloc(1, JOURNAL_SIZE_MAX + 1);
    char *line, *rest = NULL;

    if (text == NULL || read(fd, text, JOURNAL_SIZE_MAX) <= 0)
        return;
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, "staging /", strlen("staging /")) == 0)
            staging_remove(line + strlen("staging "));
}

/* A journal that can be locked belongs to nobody who lives. */
static bool reap(int folder, const char *name)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    undo_staging(fd);
    (void)unlinkat(folder, name, 0);
    return true;
}

int journal_reap(struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct dirent *entry;
    int r = open_folder(&fd, err), count = 0, folder;
    DIR *entries;

    if (r < 0)
        return r;
    folder = take_fd(&fd);
    entries = fdopendir(folder);
    if (entries == NULL) {
        (void)close(folder);
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't read the journals", state_path());
    }
    while ((entry = readdir(entries)) != NULL) {
        size_t size = strlen(entry->d_name), suffix = strlen(JOURNAL_SUFFIX);

        if (size > suffix && strcmp(entry->d_name + size - suffix, JOURNAL_SUFFIX) == 0 && reap(folder, entry->d_name))
            count++;
    }
    (void)closedir(entries);
    return count;
}
