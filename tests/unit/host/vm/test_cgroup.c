/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's control groups on a tree of plain files: which files are made and what is written where, and each reason why
 * there may be none. What the kernel makes of it is the lab's to show (tests/lab/cases/cgroup).
 */
#include "host/vm/cgroup.h"
#include "host/vm/cgroup_disks.h"
#include "host/vm/cgroup_files.h"

#include "unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/lazaret-cgroup-XXXXXX";
static char membership[PATH_MAX];

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void expect(const char *name, const char *text)
{
    char path[PATH_MAX], found[CGROUP_FILE_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    CU_ASSERT_TRUE(cgroup_read(AT_FDCWD, path, found));
    if (strcmp(found, text) != 0)
        (void)printf("[%s: %s] ", name, found);
    CU_ASSERT_STRING_EQUAL(found, text);
}

static bool is_there(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return access(path, F_OK) == 0;
}

/* As the kernel would have it: every group has these files. */
static void make_group(const char *name, const char *controllers)
{
    static const char *const files[] = {"cgroup.procs", "memory.max", "memory.swap.max", "memory.oom.group",
                                        "pids.max",     "cpu.max",    "io.weight",       "cgroup.kill"};
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", name, files[i]);
        put(path, "");
    }
    (void)snprintf(path, sizeof path, "%s/cgroup.controllers", name);
    put(path, controllers);
    (void)snprintf(path, sizeof path, "%s/cgroup.subtree_control", name);
    put(path, controllers);
}

static int create(struct cgroup **ret_cgroup, struct cgroup_facts *ret_facts)
{
    const struct cgroup_host host = {.root = root, .membership = membership};
    struct cgroup_limits limits;

    cgroup_default_limits(256, 2, true, &limits);
    return cgroup_create(&host, "0123", &limits, ret_cgroup, ret_facts);
}

static void expect_reason(const char *reason)
{
    struct cgroup_facts facts;
    struct cgroup *cgroup = NULL;

    CU_ASSERT_EQUAL(create(&cgroup, &facts), 0);
    CU_ASSERT_PTR_NULL(cgroup);
    CU_ASSERT_FALSE(facts.used);
    if (strstr(facts.reason, reason) == NULL)
        (void)printf("[%s] ", facts.reason);
    CU_ASSERT_PTR_NOT_NULL(strstr(facts.reason, reason));
    cgroup_free(cgroup);
}

static void test_reasons(void)
{
    expect_reason("can't be read");
    put("membership", "4:memory:/a\n1:cpu:/\n");
    expect_reason("no cgroup of version 2");
    put("membership", "1:name=systemd:/x\n0::/none\n");
    expect_reason("is no cgroup of version 2");
    make_group("poor", "cpu pids io\n");
    put("membership", "0::/poor\n");
    expect_reason("may not limit by memory");
    CU_ASSERT_FALSE(is_there("poor/lazaret-0123"));
}

/* A plain file system makes no files in a new folder, so making groups fails: what was begun is undone. */
static void test_undone(void)
{
    make_group("bare", "cpu io memory pids\n");
    put("membership", "0::/bare\n");
    expect_reason("can't be limited");
    CU_ASSERT_FALSE(is_there("bare/lazaret-0123"));
}

/* Which files say what; the group's own are made beforehand, in place of the kernel. */
static void test_counts(void)
{
    char path[PATH_MAX];
    int fd;

    make_group("counted", "cpu memory pids\n");
    put("counted/memory.events", "low 0\nhigh 0\nmax 31\noom 2\noom_kill 7\noom_group_kill 1\n");
    put("counted/memory.peak", "123456789\n");
    (void)snprintf(path, sizeof path, "%s/counted", root);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL(cgroup_read_number(fd, "memory.events", "oom_kill"), 7);
    CU_ASSERT_EQUAL(cgroup_read_number(fd, "memory.events", "oom"), 2);
    CU_ASSERT_EQUAL(cgroup_read_number(fd, "memory.events", "none"), 0);
    CU_ASSERT_EQUAL(cgroup_read_number(fd, "memory.peak", NULL), 123456789);
    CU_ASSERT_EQUAL(cgroup_read_number(fd, "memory.none", NULL), 0);
    CU_ASSERT_EQUAL(cgroup_write_number(fd, "memory.max", 4096), 0);
    CU_ASSERT_EQUAL(cgroup_write(fd, "memory.none", "x"), -ENOENT);
    expect("counted/memory.max", "4096");
    (void)close(fd);
}

static void test_words(void)
{
    CU_ASSERT_TRUE(cgroup_has_word("cpuset cpu io memory\n", "cpu"));
    CU_ASSERT_TRUE(cgroup_has_word("cpuset cpu io memory\n", "memory"));
    CU_ASSERT_FALSE(cgroup_has_word("cpuset io\n", "cpu"));
    CU_ASSERT_FALSE(cgroup_has_word("", "cpu"));
}

static void make_folder(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
}

static int open_folder(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* An empty group goes at once, whatever the clock says, unless a monitor has it locked, or it is not empty. */
static void test_swept(void)
{
    struct cgroup_facts facts;
    struct cgroup *cgroup = NULL;
    int live;

    make_group("swept", "cpu io memory pids\n");
    make_folder("swept/lazaret-dead");
    make_folder("swept/lazaret-dead/vm");
    make_folder("swept/lazaret-dead/helpers");
    make_folder("swept/lazaret-live");
    make_folder("swept/lazaret-busy");
    make_folder("swept/lazaret-busy/other");
    make_folder("swept/lazaret-controllers");
    make_folder("swept/another");
    live = open_folder("swept/lazaret-live");
    CU_ASSERT_EQUAL(flock(live, LOCK_EX), 0);
    put("membership", "0::/swept\n");
    CU_ASSERT_EQUAL(create(&cgroup, &facts), 0);
    cgroup_free(cgroup);
    CU_ASSERT_FALSE(is_there("swept/lazaret-dead"));
    CU_ASSERT_TRUE(is_there("swept/lazaret-live"));
    CU_ASSERT_TRUE(is_there("swept/lazaret-busy/other"));
    CU_ASSERT_TRUE(is_there("swept/lazaret-controllers"));
    CU_ASSERT_TRUE(is_there("swept/another"));
    (void)close(live);
    CU_ASSERT_EQUAL(create(&cgroup, &facts), 0);
    cgroup_free(cgroup);
    CU_ASSERT_FALSE(is_there("swept/lazaret-live"));
}

/* One line a disk; what is no disk's number gets none, and a group without the io controller takes none. */
static void test_disks(void)
{
    char blocks[PATH_MAX];
    int group;

    make_folder("blocks");
    make_folder("blocks/sda");
    make_folder("blocks/odd");
    make_folder("blocks/none");
    put("blocks/sda/dev", "8:0\n");
    put("blocks/odd/dev", "8:0 rbps=max\n");
    (void)snprintf(blocks, sizeof blocks, "%s/blocks", root);
    make_folder("limited");
    group = open_folder("limited");
    CU_ASSERT_EQUAL(cgroup_limit_disks(group, blocks, 1048576, 100), 0);
    put("limited/io.max", "");
    CU_ASSERT_EQUAL(cgroup_limit_disks(group, blocks, 1048576, 100), 1);
    expect("limited/io.max", "8:0 rbps=1048576 wbps=1048576 riops=100 wiops=100");
    CU_ASSERT_EQUAL(cgroup_limit_disks(group, "/nonexistent", 1, 1), 0);
    CU_ASSERT_EQUAL(cgroup_limit_disks(group, NULL, 1, 1), 0);
    (void)close(group);
}

static void test_defaults(void)
{
    struct cgroup_limits kvm, tcg;

    cgroup_default_limits(512, 4, false, &kvm);
    cgroup_default_limits(512, 4, true, &tcg);
    CU_ASSERT_EQUAL(kvm.vm_bytes, (512 + CGROUP_VM_MIB) * MIB);
    CU_ASSERT_EQUAL(tcg.vm_bytes, kvm.vm_bytes + CGROUP_TCG_MIB * MIB);
    CU_ASSERT_EQUAL(kvm.job_bytes, kvm.vm_bytes + CGROUP_HELPER_MIB * MIB);
    CU_ASSERT_EQUAL(kvm.cpus, 6);
    CU_ASSERT_TRUE(kvm.vm_pids < kvm.job_pids);
}

static int count_one(void *context, pid_t pid)
{
    *(pid_t *)context = pid;
    return 0;
}

static void test_descendants(void)
{
    int ends[2];
    pid_t found = 0, child;

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        (void)close(ends[1]);
        (void)!read(ends[0], &found, 1);
        _exit(0);
    }
    (void)close(ends[0]);
    CU_ASSERT_EQUAL(cgroup_each_descendant(getpid(), count_one, &found), 0);
    CU_ASSERT_EQUAL(found, child);
    (void)close(ends[1]);
}

static void remove_tree(void)
{
    char command[PATH_MAX + 16];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command) != 0)
        (void)printf("%s is left\n", root);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"each reason for none", test_reasons},
        {"what was begun is undone", test_undone},
        {"what the kernel counted", test_counts},
        {"words of a line", test_words},
        {"limits from the guest", test_defaults},
        {"descendants", test_descendants},
        {"dead groups", test_swept},
        {"limits of disks", test_disks},
    };
    int status;

    if (mkdtemp(root) == NULL)
        return 1;
    (void)snprintf(membership, sizeof membership, "%s/membership", root);
    status = harness_run("host vm cgroup", tests, HARNESS_COUNT(tests));
    remove_tree();
    return status;
}
