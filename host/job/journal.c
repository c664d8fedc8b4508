/* SPDX-License-Identifier: Apache-2.0 */
/* A job's journal, and the reaper. */
#include "host/job/journal.h"

#include "base/lock.h"
#include "host/job/hidden.h"
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
#include <sys/stat.h>

#define JOURNAL_FOLDER   "jobs"
#define JOURNAL_SUFFIX   ".journal"
#define JOURNAL_SIZE_MAX ((size_t)3 * PATH_MAX)
#define CLAIM_TRIES      16u

struct journal {
    char id[17], path[PATH_MAX];
    int folder, fd; /* fd: -1 until it has begun */
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
    uint64_t random;
    int r;

    if (journal == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the journal");
    journal->fd = journal->folder = -1;
    r = open_folder(&journal->folder, err);
    if (r < 0)
        return r;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    (void)snprintf(journal->id, sizeof journal->id, "%016llx", (unsigned long long)random);
    (void)snprintf(journal->path, sizeof journal->path, "%s/" JOURNAL_FOLDER "/%s" JOURNAL_SUFFIX, state_path(),
                   journal->id);
    *ret_journal = TAKE_POINTER(journal);
    return 0;
}

/* 0 with the journal locked, -ESTALE where a reaper was here first and took it, as nobody held it yet. The name is
 * another's to remove: there may be the next one's file behind it. */
static int claim(struct journal *journal)
{
    CLEANUP_FD int fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
    struct stat status;
    int r = fd < 0 ? -errno : lock_take(fd, LOCK_WAIT_MOMENTS_MS);

    if (r < 0)
        return r;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_nlink == 0)
        return -ESTALE;
    journal->fd = take_fd(&fd);
    return fsync(journal->folder) < 0 && errno != EINVAL && errno != EOPNOTSUPP ? -errno : 0;
}

int journal_begin(struct journal *journal, struct error *err)
{
    int r = -ESTALE;

    for (unsigned try = 0; r == -ESTALE && try < CLAIM_TRIES; try++)
        r = claim(journal);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: can't write the journal: %s", journal->path, strerror(-r));
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
    ssize_t count;
    int r = 0;

    if ((size_t)size >= sizeof line)
        return error_set(err, ERROR_INTERNAL, -ENAMETOOLONG, "%s: a step's line is too long", journal->path);
    count = write(journal->fd, line, (size_t)size);
    if (count != size)
        r = count < 0 ? -errno : -ENOSPC; /* a part of a line: the reaper passes it over */
    else if (fdatasync(journal->fd) < 0)
        r = -errno;
    if (r == -ENOSPC || r == -EDQUOT)
        return error_set(err, ERROR_UNAVAILABLE, r,
                         "%s: no space left for the journal; free some, or name another "
                         "state directory by " STATE_VARIABLE,
                         journal->path);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "%s: can't write the journal: %s", journal->path, strerror(-r))
                 : 0;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0) {
        (void)unlink(journal->path);
        (void)close(journal->fd);
    }
    if (journal->folder >= 0)
        (void)close(journal->folder);
    free(journal);
}

/* --- the reaper -------------------------------------------------------------------------------------- */

/* The hidden directory that a journal's "staging" line names. A line that was not written to its end is none: what it
 * names may be a folder of somebody's. */
static void undo_staging(int fd)
{
    CLEANUP_FREE char *text = calloc(1, JOURNAL_SIZE_MAX + 1);
    char *line, *end;

    if (text == NULL || read(fd, text, JOURNAL_SIZE_MAX) <= 0)
        return;
    for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strncmp(line, "staging ", strlen("staging ")) == 0)
            hidden_remove(line + strlen("staging "));
    }
}

/* A journal that can be locked belongs to nobody who lives. One that is gone by then was another reaper's, or its own
 * monitor's, and its name may be that of a new one. */
static bool reap(int folder, const char *name)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0 || status.st_nlink == 0)
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
