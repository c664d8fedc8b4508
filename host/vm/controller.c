/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libvirt controller.
 *
 * Theory of operation. libvirt's embedded driver needs an event loop; it runs in a thread of its
 * own. The main thread opens the driver, creates the domain, and then waits for either the order
 * to destroy or, by an eventfd, the event that the domain has ended. QEMU is a daemon of libvirt's:
 * its parent becomes PID 1 of the namespace, the supervisor, which reaps it and takes its usage.
 */
#include "host/vm/controller.h"

#include "base/io.h"
#include "host/confine/capabilities.h"
#include "host/confine/libvirt.h"
#include "host/vm/confinement.h"
#include "host/vm/deadlines.h"
#include "host/vm/files.h"
#include "host/vm/libvirt_calls.h"
#include "host/vm/message.h"
#include "host/vm/qemu_version.h"
#include "host/vm/sandbox.h"
#include "host/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define CONNECT_URI    "qemu:///embed?root=" SANDBOX_LIBVIRT
#define CACHE_FOLDER   SANDBOX_LIBVIRT "/cache/qemu/capabilities"
#define PID_FILE       SANDBOX_LIBVIRT "/run/qemu/" CONTROLLER_DOMAIN ".pid"
#define PROGRAMS       "/usr/bin" /* where libvirt finds them: QEMU is Debian's wherever the caller's PATH leads */
#define CONFIG_FILE    SANDBOX_LIBVIRT "/etc/qemu.conf"
#define CACHE_FILE_MAX (4u << 20)

/*
 * libvirt talks to QEMU, which a guest may have taken over: of root it keeps what starts QEMU under
 * another identity, arranges files for it, and ends it.
 */
static const uint64_t kept_capabilities = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) |
                                          CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETGID) |
                                          CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP);

struct controller {
    const struct controller_options *options;
    struct libvirt_calls libvirt;
    virConnectPtr connection;
    virDomainPtr domain;
    int event_fd;       /* becomes readable when the domain has ended */
    _Atomic int reason; /* enum vm_exit */
};

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

static int fail_libvirt(const struct controller *controller, struct error *err, const char *what)
{
    const char *text = controller->libvirt.virGetLastErrorMessage();

    return error_set(err, ERROR_INTERNAL, -EIO, "libvirt: %s: %s", what, text == NULL ? "?" : text);
}

static void *run_events(void *context)
{
    const struct controller *controller = context;

    while (controller->libvirt.virEventRunDefaultImpl() == 0)
        ;
    return NULL;
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *context)
{
    struct controller *controller = context;
    int none = VM_EXIT_NONE;

    (void)connection;
    (void)domain;
    /* SHUTDOWN comes first and knows whether the guest asked; STOPPED follows when QEMU is gone. */
    if (event == VIR_DOMAIN_EVENT_SHUTDOWN && detail != VIR_DOMAIN_EVENT_SHUTDOWN_HOST)
        (void)atomic_compare_exchange_strong(&controller->reason, &none, VM_EXIT_GUEST);
    if (event != VIR_DOMAIN_EVENT_STOPPED && event != VIR_DOMAIN_EVENT_SHUTDOWN)
        return 0;
    none = VM_EXIT_NONE;
    if (event == VIR_DOMAIN_EVENT_STOPPED)
        (void)atomic_compare_exchange_strong(&controller->reason, &none,
                                             detail == VIR_DOMAIN_EVENT_STOPPED_DESTROYED ? VM_EXIT_DESTROYED
                                                                                          : VM_EXIT_CRASHED);
    (void)eventfd_write(controller->event_fd, 1);
    return 0;
}

/*
 * The driver as the sandbox needs it: QEMU under the job's identity, its own seccomp sandbox on.
 * Ownership of files is arranged by us; cgroups stay the monitor's, so that whoever limits it
 * (a batch system) limits QEMU too; the mount namespace is the sandbox's already.
 */
static int write_config(uid_t qemu_uid, gid_t qemu_gid, struct error *err)
{
    char text[512];
    int size = snprintf(text, sizeof(text),
                        "user = \"+%u\"\n"
                        "group = \"+%u\"\n"
                        "dynamic_ownership = 0\n"
                        "remember_owner = 0\n"
                        "security_driver = \"none\"\n"
                        "seccomp_sandbox = 1\n"
                        "clear_emulator_capabilities = 1\n"
                        "cgroup_controllers = [ ]\n"
                        "namespaces = [ ]\n"
                        "stdio_handler = \"file\"\n"
                        "max_core = 0\n"
                        "dump_guest_core = 0\n",
                        qemu_uid, qemu_gid);

    if (mkdir(SANDBOX_LIBVIRT, 0755) < 0 || mkdir(SANDBOX_LIBVIRT "/etc", 0755) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "%s: %s", SANDBOX_LIBVIRT, strerror(errno));
    return files_write_new(AT_FDCWD, CONFIG_FILE, text, (size_t)size, err);
}

/* Best effort: without the cache libvirt asks QEMU again, which takes most of a second. */
static void restore_cache(int cache_fd)
{
    CLEANUP_FD int folder = -1;

    if (cache_fd < 0 || mkdir(SANDBOX_LIBVIRT "/cache", 0755) < 0 || mkdir(SANDBOX_LIBVIRT "/cache/qemu", 0755) < 0 ||
        mkdir(CACHE_FOLDER, 0755) < 0)
        return;
    folder = open(CACHE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        (void)!files_copy_folder(cache_fd, folder, ".xml", CACHE_FILE_MAX);
}

static void save_cache(int cache_fd)
{
    CLEANUP_FD int folder = open(CACHE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (cache_fd >= 0 && folder >= 0)
        (void)!files_copy_folder(folder, cache_fd, ".xml", CACHE_FILE_MAX);
}

/* libvirt's cache holds the CPUID of the CPU it ran on: look from the same CPU each time. */
static virConnectPtr open_pinned(const struct controller *controller)
{
    int cpu = controller->options->cpu;
    cpu_set_t before, one;
    bool pinned = false;
    virConnectPtr connection;

    if (cpu >= 0 && sched_getaffinity(0, sizeof(before), &before) == 0) {
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu, &one);
        pinned = sched_setaffinity(0, sizeof(one), &one) == 0;
    }
    connection = controller->libvirt.virConnectOpen(CONNECT_URI);
    if (pinned)
        (void)sched_setaffinity(0, sizeof(before), &before);
    return connection;
}

static int open_connection(struct controller *controller, struct error *err)
{
    pthread_t thread;

    /* Nothing of the caller's tells libvirt, GLib or QEMU what to load. Its log and what it keeps for a user stay
     * inside; errors come back by its interface. */
    if (clearenv() != 0 || setenv("PATH", PROGRAMS, 1) < 0 || setenv("HOME", SANDBOX_JOB, 1) < 0 ||
        setenv("LIBVIRT_LOG_OUTPUTS", "3:file:" SANDBOX_JOB "/libvirt.log", 1) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "setenv: %s", strerror(errno));
    controller->libvirt.virSetErrorFunc(NULL, ignore_error);
    if (controller->libvirt.virEventRegisterDefaultImpl() < 0)
        return fail_libvirt(controller, err, "event loop");
    if (pthread_create(&thread, NULL, run_events, controller) != 0)
        return error_set(err, ERROR_INTERNAL, -EAGAIN, "can't start libvirt's event thread");
    (void)pthread_detach(thread);
    controller->connection = open_pinned(controller);
    if (controller->connection == NULL)
        return fail_libvirt(controller, err, "can't open " CONNECT_URI);
    if (controller->libvirt.virConnectDomainEventRegisterAny(
            controller->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle),
            controller, NULL) < 0)
        return fail_libvirt(controller, err, "can't listen to the domain's events");
    return 0;
}

/* The CID that libvirt claimed, from the live XML; 0 if it has none. */
static uint32_t read_cid(const struct controller *controller)
{
    CLEANUP_FREE char *xml = controller->libvirt.virDomainGetXMLDesc(controller->domain, 0);
    const char *place = xml == NULL ? NULL : strstr(xml, "<cid ");

    place = place == NULL ? NULL : strstr(place, "address='");
    return place == NULL ? 0 : (uint32_t)strtoul(place + strlen("address='"), NULL, 10);
}

static int read_versions(const struct controller *controller, uint32_t *ret_qemu, uint32_t *ret_libvirt,
                         struct error *err)
{
    unsigned long qemu = 0, libvirt = 0;

    if (controller->libvirt.virGetVersion(&libvirt, NULL, NULL) < 0)
        return fail_libvirt(controller, err, "its version");
    *ret_libvirt = (uint32_t)libvirt;
    if (qemu_version_kept(CACHE_FOLDER, ret_qemu) == 0)
        return 0;
    /* A libvirt that keeps it otherwise. */
    if (controller->libvirt.virConnectGetVersion(controller->connection, &qemu) < 0)
        return fail_libvirt(controller, err, "QEMU's version");
    *ret_qemu = (uint32_t)qemu;
    return 0;
}

static int report_started(struct controller *controller, struct error *err)
{
    struct message_started started = {.cid = 0};
    char text[32];
    int r = files_read_text(PID_FILE, text, sizeof(text), err);

    if (r == 0)
        r = read_versions(controller, &started.qemu_version, &started.libvirt_version, err);
    if (r < 0)
        return r;
    started.qemu_pid = (uint32_t)strtoul(text, NULL, 10);
    if (controller->options->vhost_vsock)
        started.cid = read_cid(controller);
    r = message_send_started(controller->options->control_fd, &started, io_deadline_ms(VM_DEADLINE_START_MS));
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "controller: the supervisor does not listen: %s", strerror(-r));
    return 0;
}

static int start(struct controller *controller, struct error *err)
{
    const struct controller_options *options = controller->options;
    int r = sandbox_become_user(options->outer_uid, options->outer_gid, err);

    if (r == 0)
        r = capabilities_keep(kept_capabilities, err);
    if (r == 0)
        r = confinement_of_controller(options, controller->event_fd, err);
    if (r == 0)
        r = options->outer_uid == 0 ? write_config(options->job_uid, options->job_uid, err)
                                    : write_config(options->outer_uid, options->outer_gid, err);
    if (r < 0)
        return r;
    restore_cache(controller->options->cache_fd);
    r = libvirt_calls_load(&controller->libvirt, err);
    if (r == 0)
        r = open_connection(controller, err);
    if (r < 0)
        return r;
    controller->domain =
        controller->libvirt.virDomainCreateXML(controller->connection, controller->options->xml, VIR_DOMAIN_NONE);
    if (controller->domain == NULL)
        return fail_libvirt(controller, err, "can't start the domain");
    r = confine_libvirt_started(err);
    if (r == 0)
        r = report_started(controller, err);
    if (r == 0)
        save_cache(controller->options->cache_fd);
    return r;
}

/* 0 when the domain has ended by itself, 1 when it is to be destroyed, or the socket has ended. */
static int wait_for_end(struct controller *controller)
{
    struct pollfd pollers[2] = {{.fd = controller->options->control_fd, .events = POLLIN},
                                {.fd = controller->event_fd, .events = POLLIN}};

    for (;;) {
        if (poll(pollers, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return 1;
        }
        if (pollers[1].revents != 0)
            return 0;
        if (pollers[0].revents != 0)
            return 1;
    }
}

int controller_run(const struct controller_options *options)
{
    struct controller controller = {.options = options, .event_fd = eventfd(0, EFD_CLOEXEC)};
    struct error error = {.kind = ERROR_NONE};
    struct message_exited exited = {.reason = VM_EXIT_DESTROYED};

    if (controller.event_fd < 0 || start(&controller, &error) < 0) {
        (void)!message_send_failed(options->control_fd, &error, io_deadline_ms(VM_DEADLINE_QUIT_MS));
        return 1;
    }
    if (wait_for_end(&controller) == 0)
        exited.reason = (uint32_t)atomic_load(&controller.reason);
    else
        (void)controller.libvirt.virDomainDestroyFlags(controller.domain, VIR_DOMAIN_DESTROY_DEFAULT);
    return message_send_exited(options->control_fd, &exited, io_deadline_ms(VM_DEADLINE_QUIT_MS)) < 0;
}
