/* SPDX-License-Identifier: Apache-2.0 */
/* Who steps aside with the monitor: its descendants, whatever program can be seen of them, and no stranger. */
#include "host/vm/cgroup.c" /* which steps aside only where the kernel says so */
#include "unit/harness.h"

#include <signal.h>
#include <sys/wait.h>

static char root[] = "/tmp/lazaret-family-XXXXXX";

static int make_group(const char *name, const char *members)
{
    char path[PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/%s/cgroup.procs", root, name);
    file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(members, file);
    (void)fclose(file);
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return open_group(AT_FDCWD, path);
}

static void test_descendants_step_aside(void)
{
    pid_t child = fork(); /* of another program, as a helper that is not dumpable seems to be */
    char members[64], found[CGROUP_FILE_MAX], own[32];
    CLEANUP_FD int from = -1, to = -1;

    if (child == 0) {
        (void)execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(1);
    }
    while (is_ours(child)) /* until it has become the other program */
        (void)usleep(1000);
    (void)snprintf(own, sizeof own, "%d", child);
    (void)snprintf(members, sizeof members, "%d\n", getppid());
    from = make_group("strangers", members);
    to = make_group("none", "");
    CU_ASSERT_EQUAL(move_family(from, to), 0);
    CU_ASSERT(cgroup_read(to, "cgroup.procs", found) && found[0] == '\0'); /* neither who started us nor the child */
    (void)close(take_fd(&from));
    (void)close(take_fd(&to));
    (void)snprintf(members, sizeof members, "%d\n%d\n", getppid(), child);
    from = make_group("ours", members);
    to = make_group("below", "");
    CU_ASSERT_EQUAL(move_family(from, to), 0);
    CU_ASSERT(cgroup_read(to, "cgroup.procs", found));
    CU_ASSERT_STRING_EQUAL(found, own);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

int main(void)
{
    static const struct harness_test tests[] = {{"descendants step aside", test_descendants_step_aside}};
    char command[PATH_MAX];
    int status;

    if (mkdtemp(root) == NULL)
        return 1;
    status = harness_run("host vm cgroup family", tests, HARNESS_COUNT(tests));
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) == 0 ? status : 1;
}
