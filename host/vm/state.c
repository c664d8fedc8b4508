/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory. */
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define JOB_ID_FILE "job-ids"

const char *state_path(void)
{
    const char *path = getenv(STATE_VARIABLE);

    return path != NULL && path[0] != '\0' ? path : STATE_DEFAULT;
}

/* Opens one component at a time, so that each missing one can be made. */
static int open_made(int start_fd, const char *path, int *ret_fd)
{
    CLEANUP_FD int fd = openat(start_fd, path[0] == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    while (*path != '\0') {
        char name[NAME_MAX + 1];
        size_t size = strcspn(path, "/");
        int next;

        if (size > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, path, size);
        name[size] = '\0';
        path += size + strspn(path + size, "/");
        if (size == 0)
            continue;
        if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return -errno;
        next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (next < 0)
            return -errno;
        (void)close(fd);
        fd = next;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

int state_open(int *ret_fd, struct error *err)
{
    int r = open_made(AT_FDCWD, state_path(), ret_fd);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: can't open the state directory: %s; name a writable one by %s",
                         state_path(), strerror(-r), STATE_VARIABLE);
    return 0;
}

int state_open_folder(int state_fd, const char *name, int *ret_fd, struct error *err)
{
    int r = open_made(state_fd, name, ret_fd);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s/%s: %s", state_path(), name, strerror(-r));
    return 0;
}

int state_claim_job_ids(int state_fd, uid_t *ret_first, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = openat(state_fd, JOB_ID_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/%s: %s", state_path(), JOB_ID_FILE, strerror(errno));
    for (unsigned job = 0; job < STATE_JOB_MAX; job++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)job, .l_len = 1};

        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            *ret_first = STATE_JOB_ID_BASE + job * STATE_JOB_ID_RANGE;
            *ret_fd = take_fd(&fd);
            return 0;
        }
        if (errno != EAGAIN && errno != EACCES)
            return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/%s: can't lock: %s", state_path(), JOB_ID_FILE,
                             strerror(errno));
    }
    return error_set(err, ERROR_UNAVAILABLE, -EAGAIN, "%u jobs are running; wait for one to end", STATE_JOB_MAX);
}
