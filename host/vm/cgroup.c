/* SPDX-License-Identifier: Apache-2.0 */
/* A job's control groups. */
#include "host/vm/cgroup.h"

#include "host/vm/cgroup_disks.h"
#include "host/vm/cgroup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX      "lazaret-"
#define CONTROLLERS PREFIX "controllers"
#define MIB         (UINT64_C(1) << 20)
#define READS_MAX   64u
#define END_TRIES   200u /* of 10 ms, for the kernel to take a dead process out */
#define MAKE_TRIES  8u   /* a sweep may take a group that is not locked yet */

static const struct cgroup_host machine = {
    .root = "/sys/fs/cgroup", .membership = "/proc/self/cgroup", .blocks = "/sys/block"};
static const char *const part_names[] = {[CGROUP_VM] = "vm", [CGROUP_HELPERS] = "helpers"};

struct cgroup {
    char name[NAME_MAX + 1];
    int ours, job, parts[2]; /* folders */
};

void cgroup_default_limits(uint64_t memory_mib, unsigned vcpus, bool translated, struct cgroup_limits *ret_limits)
{
    uint64_t vm_mib = memory_mib + CGROUP_VM_MIB + (translated ? CGROUP_TCG_MIB : 0);

    *ret_limits = (struct cgroup_limits){.vm_bytes = vm_mib * MIB,
                                         .job_bytes = (vm_mib + CGROUP_HELPER_MIB) * MIB,
                                         .vm_pids = CGROUP_PIDS_VM,
                                         .job_pids = CGROUP_PIDS_JOB,
                                         .cpus = vcpus + CGROUP_CPUS_EXTRA,
                                         .disk_bytes = CGROUP_DISK_MIB * MIB,
                                         .disk_operations = CGROUP_DISK_OPS};
}

/* --- where we are -------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int without(struct cgroup_facts *facts, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(facts->reason, sizeof facts->reason, format, arguments);
    va_end(arguments);
    return -ENOTSUP;
}

static int open_group(int folder_fd, const char *name)
{
    return openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* The line "0::/path" of version 2 (cgroups(7)); a group that was removed is shown with an ending, and not found. */
static int find_ours(const struct cgroup_host *host, char ret_path[PATH_MAX], struct cgroup_facts *facts)
{
    char text[CGROUP_FILE_MAX], *line, *rest = NULL, *slash;

    if (!cgroup_read(AT_FDCWD, host->membership, text))
        return without(facts, "%s can't be read", host->membership);
    for (line = strtok_r(text, "\n", &rest); line != NULL && strncmp(line, "0::/", 4) != 0;)
        line = strtok_r(NULL, "\n", &rest);
    if (line == NULL)
        return without(facts, "no cgroup of version 2; boot with systemd.unified_cgroup_hierarchy=1");
    slash = strrchr(line, '/');
    if (strcmp(slash, "/" CONTROLLERS) == 0) /* another job's monitor of the same kind was here first */
        *slash = '\0';
    (void)snprintf(ret_path, PATH_MAX, "%s", line + 3);
    if (strcmp(ret_path, "/") == 0)
        ret_path[0] = '\0';
    return 0;
}

static int open_ours(const struct cgroup_host *host, const char *path, int *ret_fd, struct cgroup_facts *facts)
{
    static const char *const needed[] = {"memory", "pids", "cpu"};
    char whole[2 * PATH_MAX], controllers[CGROUP_FILE_MAX];
    CLEANUP_FD int fd = -1;

    (void)snprintf(whole, sizeof whole, "%s%s", host->root, path);
    fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || !cgroup_read(fd, "cgroup.controllers", controllers))
        return without(facts, "%.80s is no cgroup of version 2; boot with systemd.unified_cgroup_hierarchy=1", whole);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!cgroup_has_word(controllers, needed[i]))
            return without(facts,
                           "the cgroup %.80s may not limit by %s; start with `systemd-run --scope -p Delegate=yes`",
                           path[0] != '\0' ? path : "/", needed[i]);
    *ret_fd = take_fd(&fd);
    return 0;
}

/* --- making groups ---------------------------------------------------------------------------------------- */

static int move_one(void *context, pid_t pid)
{
    int r = cgroup_write_number(*(const int *)context, "cgroup.procs", (uint64_t)pid);

    return r == -ESRCH ? 0 : r; /* gone meanwhile */
}

/* A process that runs our own program: another monitor, a farm's worker, a helper. */
static bool is_ours(pid_t pid)
{
    struct stat theirs, ours;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/exe", pid);
    return stat(path, &theirs) == 0 && stat("/proc/self/exe", &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

/* Moves the processes of a group that are ours; 0, or a negative errno. */
static int move_ours(int from, int to)
{
    char text[CGROUP_FILE_MAX], *line, *rest;
    bool moved = true;
    int r = 0;

    /* One read may not hold all of them. */
    for (unsigned i = 0; r == 0 && moved && i < READS_MAX && cgroup_read(from, "cgroup.procs", text); i++) {
        moved = false;
        rest = NULL;
        for (line = strtok_r(text, "\n", &rest); r == 0 && line != NULL; line = strtok_r(NULL, "\n", &rest))
            if (atoi(line) > 0 && is_ours((pid_t)atoi(line))) {
                r = move_one(&to, (pid_t)atoi(line));
                moved = true;
            }
    }
    return r;
}

static bool is_in(int group, pid_t pid)
{
    char text[CGROUP_FILE_MAX], *line, *rest = NULL;

    if (!cgroup_read(group, "cgroup.procs", text))
        return false;
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (atoi(line) == pid)
            return true;
    return false;
}

struct move {
    int from, to; /* groups */
};

static int move_descendant(void *context, pid_t pid)
{
    struct move *move = context;

    return is_in(move->from, pid) ? move_one(&move->to, pid) : 0;
}

/* Ours by program, and our own descendants: of a user's process that is not dumpable nobody sees the program. */
static int move_family(int from, int to)
{
    struct move move = {.from = from, .to = to};
    int r = move_ours(from, to);

    return r < 0 ? r : cgroup_each_descendant(getpid(), move_descendant, &move);
}

/* A group that gives controllers away has no process itself: ours go below it. */
static int step_aside(int ours)
{
    CLEANUP_FD int below = -1;

    if (mkdirat(ours, CONTROLLERS, 0755) < 0 && errno != EEXIST)
        return -errno;
    below = open_group(ours, CONTROLLERS);
    return below < 0 ? -errno : move_family(ours, below);
}

/* Back where we were, as groups below could not be given controllers. */
static void step_back(int ours)
{
    CLEANUP_FD int below = open_group(ours, CONTROLLERS);

    if (below >= 0)
        (void)!move_family(below, ours);
    (void)unlinkat(ours, CONTROLLERS, AT_REMOVEDIR);
}

static int give_controllers(int group, bool *ret_io)
{
    char given[CGROUP_FILE_MAX], had[CGROUP_FILE_MAX];
    int r = 0;

    if (!cgroup_read(group, "cgroup.subtree_control", given) || !cgroup_read(group, "cgroup.controllers", had))
        return -EIO;
    if (!cgroup_has_word(given, "memory") || !cgroup_has_word(given, "pids") || !cgroup_has_word(given, "cpu"))
        r = cgroup_write(group, "cgroup.subtree_control", "+memory +pids +cpu");
    if (r == 0 && !cgroup_has_word(given, "io") && cgroup_has_word(had, "io"))
        (void)!cgroup_write(group, "cgroup.subtree_control", "+io");
    *ret_io = r == 0 && cgroup_read(group, "cgroup.subtree_control", given) && cgroup_has_word(given, "io");
    return r;
}

static int share_ours(int ours, const char *path, bool *ret_io, struct cgroup_facts *facts)
{
    int r = give_controllers(ours, ret_io);

    if (r == -EBUSY) {
        r = step_aside(ours);
        if (r == 0)
            r = give_controllers(ours, ret_io);
        if (r < 0)
            step_back(ours);
    }
    if (r == -EBUSY)
        return without(facts,
                       "the cgroup %.80s holds processes that are not ours; start with `systemd-run --scope -p "
                       "Delegate=yes`",
                       path[0] != '\0' ? path : "/");
    return r < 0 ? without(facts, "the cgroup %.80s gives no controllers away: %s", path[0] != '\0' ? path : "/",
                           strerror(-r))
                 : 0;
}

static int set_limits(const struct cgroup *cgroup, const struct cgroup_limits *limits, bool io)
{
    char cpu[48];
    int r = cgroup_write_number(cgroup->job, "memory.max", limits->job_bytes);

    (void)snprintf(cpu, sizeof cpu, "%llu %u", (unsigned long long)limits->cpus * CGROUP_PERIOD_US, CGROUP_PERIOD_US);
    if (r == 0)
        r = cgroup_write_number(cgroup->job, "pids.max", limits->job_pids);
    if (r == 0)
        r = cgroup_write(cgroup->job, "cpu.max", cpu);
    if (r == 0)
        r = cgroup_write_number(cgroup->parts[CGROUP_VM], "memory.max", limits->vm_bytes);
    if (r == 0)
        r = cgroup_write_number(cgroup->parts[CGROUP_VM], "pids.max", limits->vm_pids);
    if (r == 0)
        r = cgroup_write(cgroup->parts[CGROUP_VM], "memory.oom.group", "1");
    /* Not there without swap, or without a weighing scheduler. */
    (void)!cgroup_write(cgroup->job, "memory.swap.max", "0");
    if (r == 0 && io)
        (void)!cgroup_write_number(cgroup->job, "io.weight", CGROUP_IO_WEIGHT);
    return r;
}

/* The job's group, locked as long as a process has it open: an empty one that nobody has locked is a dead monitor's. */
static int make_job(struct cgroup *cgroup)
{
    for (unsigned i = 0; i < MAKE_TRIES; i++) {
        struct stat made, named;
        CLEANUP_FD int fd = -1;

        if (mkdirat(cgroup->ours, cgroup->name, 0755) < 0)
            return -errno;
        fd = open_group(cgroup->ours, cgroup->name);
        if (fd < 0 && errno != ENOENT)
            return -errno;
        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &made) < 0 ||
            fstatat(cgroup->ours, cgroup->name, &named, AT_SYMLINK_NOFOLLOW) < 0 || made.st_ino != named.st_ino)
            continue; /* a sweep was faster */
        cgroup->job = take_fd(&fd);
        return 0;
    }
    return -EBUSY;
}

static int make_groups(struct cgroup *cgroup, const struct cgroup_limits *limits, bool io)
{
    bool ignored;
    int r = make_job(cgroup);

    if (r == 0)
        r = give_controllers(cgroup->job, &ignored);
    for (unsigned i = 0; r == 0 && i < 2; i++)
        if (mkdirat(cgroup->job, part_names[i], 0755) < 0 ||
            (cgroup->parts[i] = open_group(cgroup->job, part_names[i])) < 0)
            r = -errno;
    return r < 0 ? r : set_limits(cgroup, limits, io);
}

/* --- what dead monitors left ------------------------------------------------------------------------------- */

static void remove_groups(int ours, const char *name)
{
    CLEANUP_FD int job = open_group(ours, name);

    for (unsigned i = 0; job >= 0 && i < 2; i++)
        (void)unlinkat(job, part_names[i], AT_REMOVEDIR);
    (void)unlinkat(ours, name, AT_REMOVEDIR); /* refused while anything is in it */
}

static void sweep(int ours)
{
    int fd = openat(ours, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        CLEANUP_FD int job = -1;

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || strcmp(entry->d_name, CONTROLLERS) == 0)
            continue;
        job = open_group(ours, entry->d_name);
        if (job >= 0 && flock(job, LOCK_EX | LOCK_NB) == 0)
            remove_groups(ours, entry->d_name);
    }
    if (folder != NULL)
        (void)closedir(folder);
    else if (fd >= 0)
        (void)close(fd);
}

/* --- a job's ------------------------------------------------------------------------------------------------ */

int cgroup_create(const struct cgroup_host *host, const char *name, const struct cgroup_limits *limits,
                  struct cgroup **ret_cgroup, struct cgroup_facts *ret_facts)
{
    struct cgroup *cgroup = calloc(1, sizeof *cgroup);
    char path[PATH_MAX];
    bool io = false;
    int r;

    *ret_facts = (struct cgroup_facts){.limits = *limits};
    *ret_cgroup = NULL;
    if (cgroup == NULL)
        return -ENOMEM;
    host = host != NULL ? host : &machine;
    cgroup->ours = cgroup->job = cgroup->parts[0] = cgroup->parts[1] = -1;
    (void)snprintf(cgroup->name, sizeof cgroup->name, PREFIX "%.64s", name);
    r = find_ours(host, path, ret_facts);
    if (r == 0)
        r = open_ours(host, path, &cgroup->ours, ret_facts);
    if (r == 0)
        r = share_ours(cgroup->ours, path, &io, ret_facts);
    if (r == 0) {
        sweep(cgroup->ours);
        r = make_groups(cgroup, limits, io);
        if (r < 0)
            r = without(ret_facts, "a cgroup below %.80s can't be limited: %s", path[0] != '\0' ? path : "/",
                        strerror(-r));
    }
    if (r < 0) {
        cgroup_free(cgroup);
        return 0;
    }
    ret_facts->used = true;
    ret_facts->io_weighted = io;
    if (io)
        ret_facts->disks_limited =
            cgroup_limit_disks(cgroup->job, host->blocks, limits->disk_bytes, limits->disk_operations);
    (void)snprintf(ret_facts->path, sizeof ret_facts->path, "%.160s/%.90s", path, cgroup->name);
    *ret_cgroup = cgroup;
    return 0;
}

int cgroup_move(const struct cgroup *cgroup, enum cgroup_part part, pid_t pid)
{
    return cgroup_write_number(cgroup->parts[part], "cgroup.procs", (uint64_t)pid);
}

static int move_helper(void *context, pid_t pid)
{
    struct cgroup *cgroup = context;

    return is_in(cgroup->parts[CGROUP_VM], pid) ? 0 : move_one(&cgroup->parts[CGROUP_HELPERS], pid);
}

int cgroup_move_helpers(const struct cgroup *cgroup)
{
    struct cgroup copy = *cgroup;

    return cgroup_each_descendant(getpid(), move_helper, &copy);
}

/* Counted where the fork was tried, whichever group's limit it met; since Linux 6.11 where the limit is, and apart from
 * what is counted below. */
static uint64_t refused_in(int group)
{
    char text[CGROUP_FILE_MAX];

    return cgroup_read_number(
        group, cgroup_read(group, "pids.events.local", text) ? "pids.events.local" : "pids.events", "max");
}

void cgroup_read_facts(const struct cgroup *cgroup, struct cgroup_facts *facts)
{
    if (cgroup == NULL)
        return;
    facts->vm_peak_bytes = cgroup_read_number(cgroup->parts[CGROUP_VM], "memory.peak", NULL);
    facts->vm_oom_kills = cgroup_read_number(cgroup->parts[CGROUP_VM], "memory.events", "oom_kill");
    facts->helper_oom_kills = cgroup_read_number(cgroup->parts[CGROUP_HELPERS], "memory.events", "oom_kill");
    facts->throttled_periods = cgroup_read_number(cgroup->job, "cpu.stat", "nr_throttled");
    facts->refused_forks =
        refused_in(cgroup->job) + refused_in(cgroup->parts[CGROUP_VM]) + refused_in(cgroup->parts[CGROUP_HELPERS]);
}

void cgroup_end_vm(struct cgroup *cgroup, struct cgroup_facts *facts)
{
    const struct timespec moment = {.tv_nsec = 10000000};

    if (cgroup == NULL)
        return;
    cgroup_read_facts(cgroup, facts);
    for (unsigned i = 0; i < END_TRIES; i++) {
        if (cgroup_read_number(cgroup->parts[CGROUP_VM], "cgroup.events", "populated") == 0) {
            facts->emptied = true;
            break;
        }
        if (i == 0) /* Linux 5.14; before, the supervisor's end has to do */
            (void)!cgroup_write(cgroup->parts[CGROUP_VM], "cgroup.kill", "1");
        (void)nanosleep(&moment, NULL);
    }
}

void cgroup_free(struct cgroup *cgroup)
{
    if (cgroup == NULL)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (cgroup->parts[i] >= 0)
            (void)close(cgroup->parts[i]);
    if (cgroup->job >= 0)
        (void)close(cgroup->job);
    if (cgroup->ours >= 0) {
        remove_groups(cgroup->ours, cgroup->name);
        (void)close(cgroup->ours);
    }
    free(cgroup);
}
