/* SPDX-License-Identifier: Apache-2.0 */
/* Where a scratch disk is read. */
#include "host/forensics/reader_place.h"

#include "base/program.h"
#include "host/confine/confine.h"
#include "host/vm/acceleration.h"
#include "host/vm/deadlines.h"
#include "host/vm/sandbox.h"
#include "host/vm/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CACHE_NAME   "cache/appliance"
#define PLACE_KERNEL READER_PLACE_CACHE "/kernel"
#define PLACE_TMP    READER_PLACE "/tmp"
#define STAGE        "/run/stage"
#define PATH_VALUE   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int fail_at(struct error *err, const char *what)
{
    int code = -errno;

    return error_set(err, ERROR_UNAVAILABLE, code, "can't make a place to read the scratch disk in, at %s: %s", what,
                     strerror(-code));
}

/* --- before ------------------------------------------------------------------------------------------------- */

static int join(char ret_path[PATH_MAX], const char *name, struct error *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", state_path(), name) >= PATH_MAX)
        return error_set(err, ERROR_UNAVAILABLE, -ENAMETOOLONG, "%s: too long", state_path());
    return 0;
}

int reader_place_prepare(const char *disk, const char *recipe, struct reader_place *ret_place, struct error *err)
{
    CLEANUP_FD int state_fd = -1, cache_fd = -1;
    struct reader_place place = {.kvm = false};
    struct acceleration_probe probe;
    int r = state_open(&state_fd, err);

    if (r == 0)
        r = state_open_folder(state_fd, CACHE_NAME, &cache_fd, err);
    if (r == 0)
        r = join(place.packages, "cache/kernel", err);
    if (r == 0)
        r = join(place.cache, CACHE_NAME, err);
    if (r < 0)
        return r;
    acceleration_probe_cached(state_fd, VM_DEADLINE_PROBE_MS, &probe);
    place.kvm = probe.kvm_works;
    (void)snprintf(place.disk, sizeof place.disk, "%s", disk);
    (void)snprintf(place.recipe, sizeof place.recipe, "%s", recipe);
    *ret_place = place;
    return 0;
}

int reader_place_fork(pid_t *ret_pid, struct error *err)
{
    CLEANUP_FD int pidfd = -1;
    pid_t pid = -1;
    int r = sandbox_fork(&pid, &pidfd, err);

    if (r == 0)
        *ret_pid = pid;
    return r;
}

/* --- in the place --------------------------------------------------------------------------------------------- */

static int unpack_kernel(const struct reader_place *place, struct error *err)
{
    char output[PATH_MAX + sizeof "/kernel"];
    const char *const arguments[] = {place->recipe, place->packages, output, NULL};
    const struct program program = {.file = place->recipe, .arguments = arguments, .input = -1, .output = -1};
    int status = 0, r;

    (void)snprintf(output, sizeof output, "%s/kernel", place->cache);
    r = program_run(&program, &status);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", place->recipe, strerror(-r));
    if (status != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EIO,
                         "%s failed: no kernel to read the scratch disk with; run lazaret image build", place->recipe);
    return 0;
}

/* A detached copy of a mount, to be attached once /run is another. */
static int clone_path(const char *path, unsigned flags, int *ret_tree, struct error *err)
{
    int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

    if (tree < 0)
        return fail_at(err, path);
    *ret_tree = tree;
    return 0;
}

static int attach(int tree, const char *target, struct error *err)
{
    return move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? fail_at(err, target) : 0;
}

/*
 * supermin looks at /lib/modules even where it is told of other modules, and fails where it is not there, as in a
 * container.
 */
static int show_modules(struct error *err)
{
    if (access("/lib/modules", F_OK) == 0)
        return 0;
    if (mkdir(STAGE, 0755) < 0 || mkdir(STAGE "/upper", 0755) < 0 || mkdir(STAGE "/upper/modules", 0755) < 0 ||
        mkdir(STAGE "/work", 0755) < 0 ||
        mount("overlay", "/usr/lib", "overlay", 0,
              "lowerdir=/usr/lib,upperdir=" STAGE "/upper,workdir=" STAGE "/work") < 0)
        return fail_at(err, "/usr/lib/modules");
    return 0;
}

static int build_view(const struct reader_place *place, struct error *err)
{
    CLEANUP_FD int disk = -1, cache = -1;
    int r = 0, fd;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail_at(err, "/");
    r = clone_path(place->disk, 0, &disk, err);
    if (r == 0)
        r = clone_path(place->cache, AT_RECURSIVE, &cache, err);
    if (r < 0)
        return r;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256m") < 0 ||
        mkdir(READER_PLACE, 0755) < 0 || mkdir(READER_PLACE_CACHE, 0700) < 0 || mkdir(PLACE_TMP, 0700) < 0 ||
        chown(PLACE_TMP, CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER) < 0)
        return fail_at(err, READER_PLACE);
    fd = open(READER_PLACE_DISK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || close(fd) < 0)
        return fail_at(err, READER_PLACE_DISK);
    r = attach(disk, READER_PLACE_DISK, err);
    if (r == 0)
        r = attach(cache, READER_PLACE_CACHE, err);
    if (r == 0 && (chown(READER_PLACE_DISK, CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER) < 0 ||
                   chown(READER_PLACE_CACHE, CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER) < 0))
        r = fail_at(err, READER_PLACE);
    return r < 0 ? r : show_modules(err);
}

static int give_up_root(struct error *err)
{
    if (setgroups(0, NULL) < 0 ||
        setresgid(CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER) < 0 ||
        setresuid(CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER, CONFINE_UID_DISK_READER) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail_at(err, "an identity of its own");
    return 0;
}

/* The only folder of modules. */
static int find_modules(char ret_path[PATH_MAX], struct error *err)
{
    DIR *folder = opendir(PLACE_KERNEL "/modules");
    const struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL && entry->d_name[0] == '.')
        ;
    if (entry != NULL)
        (void)snprintf(ret_path, PATH_MAX, PLACE_KERNEL "/modules/%s", entry->d_name);
    if (folder != NULL)
        (void)closedir(folder);
    return entry != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOENT, PLACE_KERNEL "/modules: empty");
}

static int set_environment(const struct reader_place *place, struct error *err)
{
    char modules[PATH_MAX];
    int r = find_modules(modules, err);

    if (r < 0)
        return r;
    if (clearenv() != 0 || setenv("PATH", PATH_VALUE, 1) < 0 || setenv("HOME", PLACE_TMP, 1) < 0 ||
        setenv("TMPDIR", PLACE_TMP, 1) < 0 || setenv("LIBGUESTFS_CACHEDIR", READER_PLACE_CACHE, 1) < 0 ||
        setenv("SUPERMIN_KERNEL", PLACE_KERNEL "/vmlinuz", 1) < 0 || setenv("SUPERMIN_MODULES", modules, 1) < 0 ||
        (!place->kvm && setenv("LIBGUESTFS_BACKEND_SETTINGS", "force_tcg", 1) < 0))
        return fail_at(err, "the environment");
    return 0;
}

int reader_place_enter(const struct reader_place *place, struct error *err)
{
    int r;

    /* libguestfs waits for children by itself; what supermin and QEMU print is of no use to anyone. */
    (void)signal(SIGCHLD, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return fail_at(err, "prctl");
    r = unpack_kernel(place, err);
    if (r == 0)
        r = build_view(place, err);
    if (r == 0)
        r = give_up_root(err);
    return r < 0 ? r : set_environment(place, err);
}
