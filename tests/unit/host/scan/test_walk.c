/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: what is listed, in which order, and that nothing outside is ever opened, whenever it is put there. */
#include "host/scan/walk.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/lazaret-walk-XXXXXX";

static const char *in_root(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(in_root(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CU_ASSERT(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, name, strlen(name)), (ssize_t)strlen(name));
    (void)close(fd);
}

static void make_tree(void)
{
    (void)strcpy(root + sizeof root - 7, "XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    CU_ASSERT_EQUAL(mkdir(in_root("b"), 0700), 0);
    CU_ASSERT_EQUAL(mkdir(in_root("b/d"), 0700), 0);
    make_file("c");
    make_file("b/d/z");
    make_file("b/a");
    CU_ASSERT_EQUAL(mkfifo(in_root("a"), 0600), 0);
    CU_ASSERT_EQUAL(symlink("b/a", in_root("inside")), 0);
    CU_ASSERT_EQUAL(symlink("..", in_root("b/up")), 0);
    CU_ASSERT_EQUAL(symlink("../..", in_root("b/out")), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", in_root("broken")), 0);
    CU_ASSERT_EQUAL(symlink("loop", in_root("loop")), 0);
}

static void remove_tree(void)
{
    static const char *const names[] = {"b/d/z", "b/a", "b/up",   "b/out",  "b/d", "b",
                                        "c",     "a",   "inside", "broken", "loop"};

    for (size_t i = 0; i < HARNESS_COUNT(names); i++)
        (void)remove(in_root(names[i]));
    CU_ASSERT_EQUAL(rmdir(root), 0);
}

static void test_lists(void)
{
    static const struct {
        const char *name;
        bool is_file;
        enum host_rule rule;
    } expected[] = {{"a", false, HOST_RULE_NOT_A_FILE},
                    {"b/a", true, 0},
                    {"b/d/z", true, 0},
                    {"b/out", false, HOST_RULE_LINK_OUTSIDE},
                    {"broken", false, HOST_RULE_LINK_BROKEN},
                    {"c", true, 0},
                    {"loop", false, HOST_RULE_LINK_BROKEN}};
    const char *paths[] = {root};
    struct walk walk;

    make_tree();
    CU_ASSERT_EQUAL_FATAL(walk_paths(paths, 1, &walk, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(walk.count, HARNESS_COUNT(expected));
    for (size_t i = 0; i < walk.count; i++) {
        CU_ASSERT_STRING_EQUAL(walk.entries[i].path, in_root(expected[i].name));
        CU_ASSERT_EQUAL(walk.entries[i].is_file, expected[i].is_file);
        if (!expected[i].is_file)
            CU_ASSERT_EQUAL(walk.entries[i].rule, expected[i].rule);
    }
    walk_free(&walk);
    remove_tree();
}

static char content_of(const struct walk *walk, const char *name)
{
    char first = 0;

    for (size_t i = 0; i < walk->count; i++) {
        CLEANUP_FD int fd = -1;

        if (strcmp(walk->entries[i].path, in_root(name)) != 0)
            continue;
        if (walk_open(walk, &walk->entries[i], &fd, NULL) == 0 && read(fd, &first, 1) == 1)
            return first;
    }
    return 0;
}

/* Between the walk and the opening, links take the place of files and directories. */
static void test_opens_what_was_met(void)
{
    const char *paths[] = {root};
    struct walk walk;

    make_tree();
    CU_ASSERT_EQUAL_FATAL(walk_paths(paths, 1, &walk, NULL), 0);
    CU_ASSERT_EQUAL(content_of(&walk, "b/d/z"), 'b');
    CU_ASSERT_EQUAL(content_of(&walk, "c"), 'c');
    CU_ASSERT_EQUAL(unlink(in_root("c")), 0);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", in_root("c")), 0);
    CU_ASSERT_EQUAL(content_of(&walk, "c"), 0);
    CU_ASSERT_EQUAL(unlink(in_root("c")), 0);
    CU_ASSERT_EQUAL(mkfifo(in_root("c"), 0600), 0);
    CU_ASSERT_EQUAL(content_of(&walk, "c"), 0); /* and does not wait for a writer */
    CU_ASSERT_EQUAL(unlink(in_root("b/d/z")), 0);
    CU_ASSERT_EQUAL(rmdir(in_root("b/d")), 0);
    CU_ASSERT_EQUAL(symlink("/etc", in_root("b/d")), 0);
    CU_ASSERT_EQUAL(content_of(&walk, "b/d/z"), 0);
    walk_free(&walk);
    remove_tree();
}

static void test_refuses(void)
{
    const char *absent[] = {"/nonexistent/lazaret"}, *empty[] = {root};
    struct error error = {0};
    struct walk walk;

    CU_ASSERT_EQUAL(walk_paths(absent, 1, &walk, &error), -ENOENT);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    (void)strcpy(root + sizeof root - 7, "XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    error = (struct error){0};
    CU_ASSERT_EQUAL(walk_paths(empty, 1, &walk, &error), -ENOENT);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(rmdir(root), 0);
    CU_ASSERT_EQUAL(walk_paths(empty, WALK_PATHS_MAX + 1, &walk, &error), -E2BIG);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"lists", test_lists},
        {"opens what was met", test_opens_what_was_met},
        {"refuses what is not there", test_refuses},
    };

    return harness_run("host: the walk", tests, HARNESS_COUNT(tests));
}
