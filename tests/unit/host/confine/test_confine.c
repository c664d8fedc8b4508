/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement: what is allowed works, and each call that is not ends the process. */
#include "host/confine/client.h"
#include "host/confine/confine.h"
#include "host/confine/janitor.h"
#include "host/confine/libvirt.h"
#include "host/confine/monitor.h"
#include "host/confine/place.h"
#include "host/confine/token.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#define STATUS_REACHED 42 /* the child got past the call */

/* Runs `act` in a child that has confined itself by `confine`; its wait status. */
static int run_confined(int (*confine)(void), void (*act)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        if (confine() < 0)
            _exit(1);
        act();
        _exit(STATUS_REACHED);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    return status;
}

static bool reached(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == STATUS_REACHED;
}

static bool killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* --- helpers --------------------------------------------------------------------------------------- */

static int confine_helper(void)
{
    static const struct confine_profile profile = {.name = "lazaret-test", .uid = CONFINE_UID_COLLECTOR};
    const struct rlimit no_core = {0};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    return confine_self(&profile, NULL);
}

static void act_compute(void)
{
    uint8_t *block = malloc((size_t)8 << 20);

    if (block == NULL)
        _exit(1);
    memset(block, 1, (size_t)8 << 20);
    free(block);
}

static void act_open(void)
{
    (void)!open("/etc/passwd", O_RDONLY);
}

static void act_socket(void)
{
    (void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void act_fork(void)
{
    (void)!syscall(SYS_fork);
}

static void act_execute(void)
{
    char *arguments[] = {"true", NULL};

    (void)!execv("/bin/true", arguments);
}

static void act_map_executable(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void act_kill_another(void)
{
    (void)kill(1, 0);
}

static void test_helpers_may_compute(void)
{
    CU_ASSERT(reached(run_confined(confine_helper, act_compute)));
}

static void test_helpers_may_do_nothing_else(void)
{
    void (*const acts[])(void) = {act_open, act_socket, act_fork, act_execute, act_map_executable, act_kill_another};

    for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++)
        CU_ASSERT(killed(run_confined(confine_helper, acts[i])));
}

/* --- where a helper lives --------------------------------------------------------------------------- */

static int confine_helper_that_opens(void)
{
    static const int calls[] = {SCMP_SYS(openat), SCMP_SYS(getppid), SCMP_SYS(getrlimit), SCMP_SYS(prlimit64)};
    static const struct confine_profile profile = {.name = "lazaret-test",
                                                   .uid = CONFINE_UID_COLLECTOR,
                                                   .system_calls = calls,
                                                   .system_call_count = sizeof calls / sizeof calls[0],
                                                   .open_files_max = 16};

    return confine_self(&profile, NULL);
}

static int confine_opener_of_another_user(void)
{
    return setresgid(64799, 64799, 64799) < 0 || setresuid(64799, 64799, 64799) < 0 ? -1 : confine_helper_that_opens();
}

/* As root there is nothing to open, as another user Landlock refuses it. */
static void act_open_anything(void)
{
    static const char *const paths[] = {"/etc/passwd", "/proc/self/status", "/dev/null", "/tmp", "/"};

    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (open(paths[i], O_RDONLY) >= 0 && (geteuid() != CONFINE_UID_COLLECTOR || strcmp(paths[i], "/") != 0))
            _exit(1);
    if (open("/new", O_WRONLY | O_CREAT, 0600) >= 0)
        _exit(1);
}

static void act_look_at_limits(void)
{
    static const __rlimit_resource_t none[] = {RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_MEMLOCK};
    struct rlimit bounds;

    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        if (getrlimit(none[i], &bounds) < 0 || bounds.rlim_cur != 0 || bounds.rlim_max != 0)
            _exit(1);
    if (getrlimit(RLIMIT_NOFILE, &bounds) < 0 || bounds.rlim_max != 16)
        _exit(1);
}

static void test_helpers_see_no_file(void)
{
    bool landlock = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) > 0;

    if (landlock || geteuid() == 0)
        CU_ASSERT(reached(run_confined(confine_helper_that_opens, act_open_anything)));
    if (landlock && geteuid() == 0)
        CU_ASSERT(reached(run_confined(confine_opener_of_another_user, act_open_anything)));
    CU_ASSERT(reached(run_confined(confine_helper_that_opens, act_look_at_limits)));
}

/* PID 1 of a namespace of its own as root; its own child, which has its parent's, has another number. */
static void test_helpers_are_alone(void)
{
    int status = -1;
    pid_t pid = confine_fork(NULL, 0);

    if (pid == 0) {
        pid_t own = getpid(), inner = own == 1 ? confine_fork(NULL, 0) : -1;

        if (own != 1 && geteuid() == 0)
            _exit(1);
        if (inner == 0)
            _exit(getpid() == 1 || getppid() != 1 ? 1 : 0);
        if (inner > 0 && (waitpid(inner, &status, 0) != inner || status != 0))
            _exit(1);
        _exit(STATUS_REACHED);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(reached(status));
}

/* A lock of the parent's is not the child's, even before the child does anything; what is lent is, and what the program
 * was started with. */
static void test_forks_share_no_lock(void)
{
    char path[] = "/tmp/confine-lock-XXXXXX", word = 0;
    int locked = mkostemp(path, O_CLOEXEC), other = open(path, O_RDWR | O_CLOEXEC), pipes[2], status = -1;
    int inherited = fcntl(other, F_DUPFD, 500); /* without close-on-exec */
    pid_t pid;

    CU_ASSERT_FATAL(locked >= 0 && other >= 0 && inherited >= 500 && pipe2(pipes, O_CLOEXEC) == 0);
    CU_ASSERT_EQUAL(flock(locked, LOCK_EX | LOCK_NB), 0);
    pid = confine_fork(&pipes[1], 1);
    if (pid == 0) {
        bool right = fcntl(locked, F_GETFD) < 0 && fcntl(other, F_GETFD) < 0 && fcntl(pipes[0], F_GETFD) < 0 &&
                     fcntl(inherited, F_GETFD) == 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0;

        word = right ? 'r' : 'w';
        if (write(pipes[1], &word, 1) != 1)
            _exit(1);
        (void)pause();
    }
    CU_ASSERT_EQUAL(read(pipes[0], &word, 1), 1);
    CU_ASSERT_EQUAL(word, 'r');
    (void)close(locked); /* as the parent's death would */
    CU_ASSERT_EQUAL(flock(other, LOCK_EX | LOCK_NB), 0);
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    (void)close(other);
    (void)close(inherited);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    (void)unlink(path);
}

static int drop_capability(unsigned number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    data[number / 32].effective &= ~(1u << number % 32);
    return (int)syscall(SYS_capset, &header, data);
}

/* Root without what helpers' places take, as in a container: refused at once, with the name of what is missing. */
static void test_root_without_capabilities(void)
{
    char missing[CONFINE_MISSING_SIZE];
    int status = -1;
    pid_t pid;

    confine_missing(missing);
    CU_ASSERT_STRING_EQUAL(missing, "");
    if (geteuid() != 0)
        return;
    pid = fork();
    if (pid == 0) {
        struct error error = {0};

        if (drop_capability(CAP_SYS_ADMIN) < 0 || drop_capability(CAP_SETGID) < 0)
            _exit(1);
        confine_missing(missing);
        if (strcmp(missing, "CAP_SYS_ADMIN, CAP_SETGID") != 0 || confine_fork(NULL, 0) != -1 || errno != EPERM ||
            confine_fork_failed("the signer", &error) != -EPERM || error.kind != ERROR_UNAVAILABLE ||
            strstr(error.text, "no process for the signer: root has no CAP_SYS_ADMIN, CAP_SETGID here") == NULL)
            _exit(1);
        _exit(STATUS_REACHED);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(reached(status));
}

/* A descriptor that is not kept is closed. */
static void act_read_closed(void)
{
    if (read(0, &(char){0}, 1) != -1 || errno != EBADF)
        _exit(1);
}

static void test_helpers_lose_their_descriptors(void)
{
    CU_ASSERT(reached(run_confined(confine_helper, act_read_closed)));
}

/* --- one folder ------------------------------------------------------------------------------------ */

static char one_folder[] = "/tmp/lazaret-confine-XXXXXX";
static int one_folder_fd;

static int confine_to_one(void)
{
    static const int calls[] = {SCMP_SYS(openat), SCMP_SYS(mkdirat), SCMP_SYS(renameat), SCMP_SYS(renameat2)};
    const struct confine_profile profile = {.name = "lazaret-test",
                                            .folder_fd = &one_folder_fd,
                                            .keep_fds = &one_folder_fd,
                                            .keep_fd_count = 1,
                                            .system_calls = calls,
                                            .system_call_count = sizeof calls / sizeof calls[0],
                                            .file_size_max = 4096};

    return confine_self(&profile, NULL);
}

static int confine_to_one_as_another(void)
{
    return setresgid(64799, 64799, 64799) < 0 || setresuid(64799, 64799, 64799) < 0 ? -1 : confine_to_one();
}

static void act_in_folder(void)
{
    int made = openat(one_folder_fd, "new", O_WRONLY | O_CREAT, 0644);

    if (made < 0 || write(made, "x", 1) != 1 || (mkdirat(one_folder_fd, "inner", 0755) < 0 && errno != EEXIST) ||
        renameat(one_folder_fd, "new", one_folder_fd, "inner/name") < 0 ||
        openat(one_folder_fd, "inner/name", O_RDONLY) < 0)
        _exit(1);
}

static void act_outside(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0 || openat(one_folder_fd, "../etc/passwd", O_RDONLY) >= 0 ||
        openat(one_folder_fd, "../../etc/passwd", O_RDONLY) >= 0 ||
        openat(AT_FDCWD, "/tmp/lazaret-confine-made", O_WRONLY | O_CREAT, 0644) >= 0)
        _exit(1);
}

/* As root the folder is the root directory; as another user Landlock has to hold, where the kernel has it. */
static void test_one_folder(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(one_folder));
    one_folder_fd = open(one_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT(one_folder_fd >= 0);
    CU_ASSERT(reached(run_confined(confine_to_one, act_in_folder)));
    if (geteuid() == 0)
        CU_ASSERT(reached(run_confined(confine_to_one, act_outside)));
    (void)unlinkat(one_folder_fd, "inner/name", 0);
    (void)unlinkat(one_folder_fd, "inner", AT_REMOVEDIR);
    if (geteuid() == 0 && syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) >= 2) {
        CU_ASSERT_EQUAL(fchown(one_folder_fd, 64799, 64799), 0);
        CU_ASSERT(reached(run_confined(confine_to_one_as_another, act_in_folder)));
        CU_ASSERT(reached(run_confined(confine_to_one_as_another, act_outside)));
        (void)unlinkat(one_folder_fd, "inner/name", 0);
        (void)unlinkat(one_folder_fd, "inner", AT_REMOVEDIR);
    }
    (void)close(one_folder_fd);
    CU_ASSERT_EQUAL(rmdir(one_folder), 0);
}

/* --- the monitor -------------------------------------------------------------------------------------- */

static int confine_the_monitor(void)
{
    const struct rlimit no_core = {0};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    return confine_monitor(NULL);
}

static void act_monitor_work(void)
{
    int pair[2], fd = open("/proc/self/stat", O_RDONLY);

    if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        _exit(1);
    if (socket(AF_VSOCK, SOCK_STREAM, 0) < 0 && errno != EAFNOSUPPORT)
        _exit(1);
}

static void act_trace(void)
{
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void act_mount(void)
{
    (void)mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static void act_netlink(void)
{
    (void)!socket(AF_NETLINK, SOCK_RAW, 0);
}

static void act_xdp(void)
{
    (void)!socket(AF_XDP, SOCK_RAW, 0);
}

static void act_bpf(void)
{
    (void)syscall(SYS_bpf, 0, NULL, 0);
}

/* Root without what it does not need any more. */
static void act_use_capabilities(void)
{
    if (geteuid() == 0 &&
        (setresuid(64799, 64799, 64799) == 0 || mknod("/tmp/lazaret-node", S_IFCHR | 0600, makedev(1, 3)) == 0 ||
         unshare(CLONE_NEWNET) == 0))
        _exit(1);
}

/* --- the janitor, libvirt's controller ---------------------------------------------------------------- */

static char swept[] = "/tmp/lazaret-confine-XXXXXX";

static int confine_the_janitor(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/hidden", swept);
    return confine_janitor(STDIN_FILENO, (const char *const[]){path, NULL}, 2, NULL);
}

/* Its own folder's files go; others' stay, where the kernel has Landlock; and none is made anywhere. */
static void act_sweep(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/one", swept);
    if (unlink(path) < 0 || open(path, O_WRONLY | O_CREAT, 0600) >= 0)
        _exit(1);
    (void)snprintf(path, sizeof path, "%s-other", swept);
    _exit(unlink(path) == 0 ? 1 : STATUS_REACHED);
}

static void test_janitor(void)
{
    char path[64];
    int fds[2];

    if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) < 1)
        return;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(swept));
    (void)snprintf(path, sizeof path, "%s/one", swept);
    fds[0] = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)snprintf(path, sizeof path, "%s-other", swept);
    fds[1] = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT(fds[0] >= 0 && fds[1] >= 0);
    CU_ASSERT(reached(run_confined(confine_the_janitor, act_sweep)));
    CU_ASSERT(killed(run_confined(confine_the_janitor, act_socket)));
    CU_ASSERT(killed(run_confined(confine_the_janitor, act_execute)));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(swept), 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static int confine_a_controller(void)
{
    return confine_libvirt(NULL);
}

static int confine_a_controller_further(void)
{
    return confine_libvirt(NULL) < 0 ? -1 : confine_libvirt_started(NULL);
}

static void act_be_refused(void)
{
    if (mount("none", "/nowhere", "tmpfs", 0, NULL) == 0 || errno != EPERM ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != EPERM || syscall(SYS_bpf, 0, NULL, 0) == 0 ||
        errno != EPERM)
        _exit(1);
}

static void act_run_program(void)
{
    char *arguments[] = {"true", NULL};

    _exit(execv("/bin/true", arguments) < 0 && errno == EPERM ? STATUS_REACHED : 1);
}

static void test_controller(void)
{
    CU_ASSERT(reached(run_confined(confine_a_controller, act_be_refused)));
    CU_ASSERT_EQUAL(run_confined(confine_a_controller, act_run_program), 0); /* the program's own status */
    CU_ASSERT(reached(run_confined(confine_a_controller_further, act_run_program)));
}

static void test_monitor_may_work(void)
{
    CU_ASSERT(reached(run_confined(confine_the_monitor, act_monitor_work)));
    CU_ASSERT(reached(run_confined(confine_the_monitor, act_use_capabilities)));
}

static void test_monitor_gave_up(void)
{
    void (*const acts[])(void) = {act_execute, act_trace, act_mount, act_socket, act_netlink, act_xdp, act_bpf};

    for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++)
        CU_ASSERT(killed(run_confined(confine_the_monitor, acts[i])));
}

/* --- processes with other people's libraries -------------------------------------------------------------- */

static char place[] = "/tmp/lazaret-confine-XXXXXX";

static int confine_a_token(void)
{
    return confine_token(NULL);
}

static int confine_a_client(void)
{
    return confine_client("lazaret-test", CONFINE_UID_CLIENT, STDERR_FILENO, NULL);
}

/* What a token's module does: reads its files again, talks to a daemon. */
static void act_token_work(void)
{
    int fd = open("/proc/self/stat", O_RDONLY), peer = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;

    if (fd < 0 || peer < 0 || read(fd, &byte, 1) != 1)
        _exit(1);
}

/* What a resolver does. */
static void act_client_work(void)
{
    int fd = open("/etc/hosts", O_RDONLY), peer = socket(AF_INET, SOCK_DGRAM, 0);
    char byte;

    if (fd < 0 || peer < 0 || read(fd, &byte, 1) < 0)
        _exit(1);
}

/* Each is answered; nothing of it happens. */
static void act_change_files(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/new", place);
    if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES || open("/dev/null", O_RDWR) >= 0 ||
        errno != EACCES || open("/dev/null", O_RDONLY | O_TRUNC) >= 0 || errno != EACCES)
        _exit(1);
    if (mkdir(path, 0700) == 0 || rmdir(place) == 0 || rename(place, path) == 0 || chmod(place, 0777) == 0 ||
        unlink(path) == 0 || symlink("/", path) == 0 || truncate("/dev/null", 0) == 0)
        _exit(1);
    if (syscall(SYS_openat2, AT_FDCWD, path, NULL, 0) >= 0 || errno != ENOSYS)
        _exit(1);
}

static void act_serve(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", place);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno != EACCES ||
        bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 || errno != EACCES || listen(fd, 1) == 0 ||
        errno != EACCES || accept(fd, NULL, NULL) >= 0 || errno != EACCES)
        _exit(1);
    if (utimes(place, NULL) == 0 || errno != EACCES || syscall(452, AT_FDCWD, place, 0777, 0) == 0 || errno != EACCES ||
        getaddrinfo("127.0.0.1", "80", NULL, &(struct addrinfo *){NULL}) != 0)
        _exit(1);
}

static void act_read_secret(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/secret", place);
    _exit(open(path, O_RDONLY) >= 0 ? 1 : STATUS_REACHED);
}

static void test_libraries_may_work(void)
{
    CU_ASSERT(reached(run_confined(confine_a_token, act_token_work)));
    CU_ASSERT(reached(run_confined(confine_a_client, act_client_work)));
}

static void test_libraries_change_no_file(void)
{
    char path[64];
    int fd;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place));
    (void)snprintf(path, sizeof path, "%s/secret", place);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT(fd >= 0);
    (void)close(fd);
    CU_ASSERT(reached(run_confined(confine_a_token, act_change_files)));
    CU_ASSERT(reached(run_confined(confine_a_client, act_change_files)));
    CU_ASSERT(reached(run_confined(confine_a_token, act_serve)));
    CU_ASSERT(reached(run_confined(confine_a_client, act_serve)));
    /* By its user where root, else by Landlock. */
    if (geteuid() == 0 || syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1U) > 0)
        CU_ASSERT(reached(run_confined(confine_a_client, act_read_secret)));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(place), 0);
}

static void test_libraries_gave_up(void)
{
    void (*const acts[])(void) = {act_execute, act_trace, act_mount, act_bpf};

    for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        CU_ASSERT(killed(run_confined(confine_a_token, acts[i])));
        CU_ASSERT(killed(run_confined(confine_a_client, acts[i])));
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"helpers may compute", test_helpers_may_compute},
        {"helpers may do nothing else", test_helpers_may_do_nothing_else},
        {"helpers see no file, and may let none grow", test_helpers_see_no_file},
        {"helpers are alone with their process identifiers", test_helpers_are_alone},
        {"forks share no lock, and have what is lent", test_forks_share_no_lock},
        {"root without capabilities has no helpers, and says so", test_root_without_capabilities},
        {"helpers lose their descriptors", test_helpers_lose_their_descriptors},
        {"helpers of one folder stay there", test_one_folder},
        {"the monitor may do its work", test_monitor_may_work},
        {"the monitor gave up programs, traces, mounts, networks", test_monitor_gave_up},
        {"the janitor removes what it is there for", test_janitor},
        {"libvirt's controller starts QEMU, then no program", test_controller},
        {"libraries of tokens and networks may work", test_libraries_may_work},
        {"they change no file, and a client reads no secret", test_libraries_change_no_file},
        {"they gave up programs, traces, mounts", test_libraries_gave_up},
    };

#ifdef __SANITIZE_ADDRESS__
    return HARNESS_SKIPPED; /* the sanitizer's own calls are not the allowlist's */
#endif
    return harness_run("confinement", tests, HARNESS_COUNT(tests));
}
