/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a job's namespaces.
 *
 * Theory of operation. The supervisor has one thread and one loop over poll(2): records of the
 * monitor and of the libvirt controller, the console's pipe, the ends of its children by signalfd.
 * The controller and the vsock device are its children, and QEMU, which libvirt makes a daemon,
 * becomes one; so their ends, times and memory are seen here. When the job is over, for whatever
 * reason, the supervisor exits, and the kernel kills what is left of the PID namespace. Losing the
 * monitor (PDEATHSIG, or the end of the control socket) is such a reason.
 */
#include "host/vm/supervisor.h"

#include "base/io.h"
#include "host/confine/capabilities.h"
#include "host/vm/children.h"
#include "host/vm/confinement.h"
#include "host/vm/console.h"
#include "host/vm/deadlines.h"
#include "host/vm/message.h"
#include "host/vm/passthrough/hostdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A device that ends while QEMU runs may only have been told of QEMU's end first. */
#define DEVICE_GRACE_MS 100u

struct supervisor {
    const struct supervisor_options *options;
    struct children children;
    struct console console;
    int signal_fd;
    bool started;            /* the monitor knows that the VM runs */
    bool main_gone;          /* QEMU, or the agent, has been reaped */
    bool reported;           /* the monitor knows that it ended */
    uint64_t device_gone_ns; /* when the device ended; 0 while it runs */
    struct message_exited exit;
    struct rusage usage; /* of QEMU or the agent, once reaped */
};

static void give_up(const struct supervisor *supervisor, const struct error *error)
{
    (void)!message_send_failed(supervisor->options->control_fd, error, io_deadline_ms(VM_DEADLINE_QUIT_MS));
    _exit(1);
}

static void set_exit(struct supervisor *supervisor, enum vm_exit reason, const char *detail)
{
    if (supervisor->exit.reason != VM_EXIT_NONE)
        return;
    supervisor->exit.reason = (uint32_t)reason;
    (void)snprintf(supervisor->exit.detail, sizeof(supervisor->exit.detail), "%s", detail);
}

/* Only once it is known: pid 0 would be our whole process group. */
static void kill_main(const struct supervisor *supervisor)
{
    if (supervisor->children.main_pid > 0 && !supervisor->main_gone)
        (void)kill(supervisor->children.main_pid, SIGKILL);
}

/* ---- records ----------------------------------------------------------------------------------- */

static void on_controller(struct supervisor *supervisor)
{
    static struct message message;
    struct message_started started;
    struct message_exited exited;
    struct error error;
    int fd = supervisor->children.controller_fd;
    int r = message_receive(fd, &message, io_deadline_ms(VM_DEADLINE_QUIT_MS));

    if (r == 0 && message_parse_started(&message, &started) == 0) {
        supervisor->started = true;
        supervisor->children.main_pid = (pid_t)started.qemu_pid;
        r = message_send_started(supervisor->options->control_fd, &started, io_deadline_ms(VM_DEADLINE_QUIT_MS));
    } else if (r == 0 && message_parse_failed(&message, &error) == 0) {
        children_add_qemu_log(&error);
        give_up(supervisor, &error);
    } else if (r == 0 && message_parse_exited(&message, &exited) == 0) {
        if (exited.reason == VM_EXIT_GUEST)
            set_exit(supervisor, VM_EXIT_GUEST, "the guest powered off or reset");
        /* QEMU's own end says more than libvirt's word for any other reason. */
        kill_main(supervisor);
    } else {
        /* The controller is gone. The VM goes on without it; but without a VM there is no job. */
        if (!supervisor->started) {
            (void)error_set(&error, ERROR_INTERNAL, -EIO, "the libvirt controller died");
            give_up(supervisor, &error);
        }
        (void)close(take_fd(&supervisor->children.controller_fd));
    }
    if (r < 0 && r != -ECONNRESET && r != -ETIMEDOUT && r != -EBADMSG)
        _exit(1);
}

/* ---- ends of children -------------------------------------------------------------------------- */

static void describe_status(char *text, size_t room, const char *who, int status)
{
    if (WIFSIGNALED(status))
        (void)snprintf(text, room, "%s was killed by signal %d (%s)", who, WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(text, room, "%s exited with status %d", who, WEXITSTATUS(status));
}

/* QEMU's end is seen at once; that it was the guest's doing comes through libvirt, which a busy host may let wait. */
static void await_libvirt(struct supervisor *supervisor)
{
    uint64_t deadline = io_deadline_ms(VM_DEADLINE_LIBVIRT_MS);

    while (supervisor->exit.reason == VM_EXIT_NONE && supervisor->children.controller_fd >= 0 &&
           io_wait(supervisor->children.controller_fd, POLLIN, deadline) == 0)
        on_controller(supervisor);
}

static void on_main_end(struct supervisor *supervisor, int status, const struct rusage *usage)
{
    char detail[VM_TEXT_MAX];
    bool process = supervisor->options->isolation == VM_PROCESS;

    supervisor->main_gone = true;
    supervisor->usage = *usage;
    if (!process && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        await_libvirt(supervisor);
    describe_status(detail, sizeof(detail), process ? "the agent" : "QEMU", status);
    /* An agent that exits has said why, as one that powers its VM off; QEMU has a status only where it failed. */
    if (WIFEXITED(status) && (process || WEXITSTATUS(status) == 0))
        set_exit(supervisor, VM_EXIT_GUEST, process ? detail : "QEMU ended");
    else
        set_exit(supervisor, VM_EXIT_CRASHED, detail);
}

static void reap(struct supervisor *supervisor)
{
    struct children *children = &supervisor->children;
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (pid == children->main_pid) {
            on_main_end(supervisor, status, &usage);
        } else if (pid == children->device_pid) {
            supervisor->device_gone_ns = io_now_ns();
            children_read_device_text(children, status);
        } else if (pid == children->controller_pid) {
            children->controller_pid = -1;
        }
    }
}

static void on_signal(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        ;
    reap(supervisor);
}

static void wait_main_end(struct supervisor *supervisor, uint64_t deadline)
{
    struct pollfd poller = {.fd = supervisor->signal_fd, .events = POLLIN};

    while (!supervisor->main_gone && io_now_ns() < deadline) {
        if (poll(&poller, 1, io_poll_timeout(deadline)) > 0)
            on_signal(supervisor);
    }
}

_Noreturn static void destroy(struct supervisor *supervisor)
{
    struct message_destroyed destroyed;
    const struct rusage *usage = &supervisor->usage;

    set_exit(supervisor, VM_EXIT_DESTROYED, "");
    if (!supervisor->main_gone && supervisor->children.main_pid > 0) {
        children_quit_main(&supervisor->children);
        wait_main_end(supervisor, io_deadline_ms(VM_DEADLINE_QUIT_MS));
        if (!supervisor->main_gone) {
            kill_main(supervisor);
            wait_main_end(supervisor, io_deadline_ms(VM_DEADLINE_QUIT_MS));
        }
    }
    console_drain(&supervisor->console);
    destroyed.exit = supervisor->exit;
    destroyed.peak_memory_kib = (uint64_t)usage->ru_maxrss;
    destroyed.cpu_ns = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * IO_NS_PER_S +
                       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000u;
    destroyed.console_bytes = supervisor->console.written;
    destroyed.console_dropped = supervisor->console.dropped;
    (void)!message_send_destroyed(supervisor->options->control_fd, &destroyed, io_deadline_ms(VM_DEADLINE_QUIT_MS));
    _exit(0);
}

static void on_monitor(struct supervisor *supervisor)
{
    static struct message message;

    if (message_receive(supervisor->options->control_fd, &message, io_deadline_ms(VM_DEADLINE_QUIT_MS)) < 0 ||
        message.type != MESSAGE_DESTROY)
        _exit(1); /* the monitor is gone: so is the job */
    destroy(supervisor);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

/* Tells the monitor, once, that the job ended by itself. */
static void report_exit(struct supervisor *supervisor)
{
    /* Before the start is over libvirt reports QEMU's end, which a dead device brings about. */
    if (supervisor->device_gone_ns != 0 && supervisor->started && !supervisor->main_gone &&
        io_now_ns() - supervisor->device_gone_ns >= DEVICE_GRACE_MS * IO_NS_PER_MS) {
        set_exit(supervisor, VM_EXIT_DEVICE_BROKEN, supervisor->children.device_text);
        kill_main(supervisor);
    }
    if (supervisor->reported || !supervisor->started || supervisor->exit.reason == VM_EXIT_NONE)
        return;
    supervisor->reported = true;
    if (message_send_exited(supervisor->options->control_fd, &supervisor->exit, io_deadline_ms(VM_DEADLINE_QUIT_MS)) <
        0)
        _exit(1);
}

static void loop(struct supervisor *supervisor)
{
    enum { MONITOR, SIGNAL, CONTROLLER, CONSOLE, COUNT };

    for (;;) {
        bool grace = supervisor->device_gone_ns != 0 && supervisor->started && !supervisor->main_gone;
        struct pollfd pollers[COUNT] = {
            [MONITOR] = {.fd = supervisor->options->control_fd, .events = POLLIN},
            [SIGNAL] = {.fd = supervisor->signal_fd, .events = POLLIN},
            [CONTROLLER] = {.fd = supervisor->children.controller_fd, .events = POLLIN},
            [CONSOLE] = {.fd = supervisor->console.pipe_fd, .events = POLLIN},
        };

        if (poll(pollers, COUNT, grace ? (int)DEVICE_GRACE_MS : -1) < 0 && errno != EINTR)
            _exit(1);
        if (pollers[CONSOLE].revents != 0)
            console_read(&supervisor->console);
        if (pollers[CONTROLLER].revents != 0)
            on_controller(supervisor);
        if (pollers[SIGNAL].revents != 0)
            on_signal(supervisor);
        report_exit(supervisor);
        if (pollers[MONITOR].revents != 0)
            on_monitor(supervisor);
    }
}

/* ---- start ------------------------------------------------------------------------------------- */

static bool contains(const int *fds, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd)
            return true;
    return false;
}

static int compare_fds(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/*
 * Keeps what the options name and nothing else of the monitor's: above all not the other end of the
 * control socket, whose end could then never be seen. Standard descriptors become /dev/null.
 */
static int close_others(const struct supervisor_options *options)
{
    int keep[] = {options->control_fd,  options->stream_fd,   options->console_fd,
                  options->cache_fd,    options->job_ids_fd,  options->files[0].fd,
                  options->files[1].fd, options->files[2].fd, options->files[3].fd};
    size_t count = sizeof(keep) / sizeof(keep[0]);
    unsigned next = STDERR_FILENO + 1;
    CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    qsort(keep, count, sizeof(keep[0]), compare_fds);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (null < 0 || (!contains(keep, count, fd) && dup2(null, fd) < 0))
            return -errno;
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        if ((unsigned)keep[i] > next && close_range(next, (unsigned)keep[i] - 1, 0) < 0)
            return -errno;
        next = (unsigned)keep[i] + 1;
    }
    null = -1; /* closed with the rest, wherever it was */
    return close_range(next, ~0u, 0) < 0 ? -errno : 0;
}

/* Dies with the monitor, takes no terminal's signals, hears of its children by descriptor. */
static int isolate_self(struct supervisor *supervisor, struct error *err)
{
    struct pollfd poller = {.fd = supervisor->options->control_fd, .events = POLLIN};
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)umask(022);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NAME, "lazaret-job") < 0 || setsid() < 0 ||
        sigprocmask(SIG_SETMASK, &signals, NULL) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "supervisor: %s", strerror(errno));
    if (poll(&poller, 1, 0) > 0 && (poller.revents & POLLHUP) != 0)
        _exit(1); /* the monitor died before PDEATHSIG was set */
    supervisor->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signal_fd < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "supervisor: signalfd: %s", strerror(errno));
    return 0;
}

/* Waits to be told, as long as it takes: another VM of the same job may run before this one. */
static void await_boot(const struct supervisor *supervisor)
{
    static struct message message;

    if (message_receive(supervisor->options->control_fd, &message, IO_NO_DEADLINE) < 0 || message.type != MESSAGE_BOOT)
        _exit(1); /* the monitor is gone, or has changed its mind */
}

static int start(struct supervisor *supervisor, struct error *err)
{
    const struct supervisor_options *options = supervisor->options;
    struct sandbox_options sandbox = {
        .files = options->files,
        .file_count = options->file_count,
        .kvm = options->acceleration == VM_ACCEL_KVM,
        .vhost_vsock = options->transport == VM_TRANSPORT_VHOST_VSOCK,
        .job_uid = options->job_uid,
        .driver = options->driver,
        .passthrough = options->passthrough,
    };
    int r = close_others(options); /* first: the monitor's locks are not ours to hold */

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "supervisor: %s", strerror(-r));
    r = sandbox_map_self(options->outer_uid, options->outer_gid, err);
    if (r == 0)
        r = isolate_self(supervisor, err);
    if (r == 0)
        await_boot(supervisor);
    if (r == 0)
        r = sandbox_build(&sandbox, err);
    if (r == 0 && options->passthrough != NULL)
        r = hostdev_allow_locking(options->memory_mib, err);
    if (r == 0)
        r = console_open(&supervisor->console, options->console_fd, options->console_max, options->job_uid, err);
    if (r == 0)
        r = children_start(&supervisor->children, options, &supervisor->console, err);
    /* All is set up: what is left is to watch, and to kill. */
    if (r == 0)
        r = capabilities_keep(CAPABILITY(CAP_KILL), err);
    return r < 0 ? r : confinement_of_supervisor(options, err);
}

void supervisor_run(const struct supervisor_options *options)
{
    static struct supervisor supervisor;
    struct message_started started = {.cid = 0};
    struct error error = {.kind = ERROR_NONE};

    supervisor.options = options;
    if (start(&supervisor, &error) < 0)
        give_up(&supervisor, &error);
    if (options->isolation == VM_PROCESS) {
        supervisor.started = true;
        if (message_send_started(options->control_fd, &started, io_deadline_ms(VM_DEADLINE_QUIT_MS)) < 0)
            _exit(1);
    }
    loop(&supervisor);
    _exit(1);
}
