/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation needs of this machine. */
#include "host/vm/diagnosis.h"

#include "host/link/link.h"
#include "host/vm/acceleration.h"
#include "host/vm/deadlines.h"
#include "host/vm/host_facts.h"
#include "host/vm/image.h"
#include "host/vm/libvirt_calls.h"
#include "host/vm/sandbox.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* A guest of the shipped policies and what its host processes need, in MiB. */
#define MEMORY_WANTED_MIB 1536u
#define SPACE_WANTED_MIB  512u
#define VERSION_LINE_MAX  128u

__attribute__((format(printf, 3, 4))) static void conclude(struct diagnosis *finding, enum diagnosis_state state,
                                                           const char *format, ...)
{
    va_list arguments;

    finding->state = state;
    va_start(arguments, format);
    (void)vsnprintf(finding->finding, sizeof(finding->finding), format, arguments);
    va_end(arguments);
}

static void advise(struct diagnosis *finding, const char *remedy)
{
    (void)snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
}

static void check_acceleration(struct diagnosis *finding)
{
    struct acceleration_probe probe;

    acceleration_probe(VM_DEADLINE_PROBE_MS, &probe);
    conclude(finding, probe.kvm_works ? DIAGNOSIS_OK : DIAGNOSIS_NOTE, "%s: %s", probe.kvm_works ? "kvm" : "tcg",
             probe.reason);
    if (!probe.kvm_works)
        advise(finding, "evaluations give the same bits under TCG, only slower; for KVM, enable "
                        "(nested) virtualisation and give this user /dev/kvm");
}

static void check_qemu(struct diagnosis *finding)
{
    char line[VERSION_LINE_MAX] = "";
    struct error error = {.kind = ERROR_NONE};
    FILE *pipe;

    if (host_check_qemu(&error) < 0) {
        conclude(finding, DIAGNOSIS_MISSING, "%.500s", error.text);
        advise(finding, "apt-get install qemu-system-x86 libvirt-daemon-driver-qemu");
        return;
    }
    pipe = popen(HOST_QEMU_PATH " --version", "re");
    if (pipe == NULL || fgets(line, sizeof(line), pipe) == NULL)
        line[0] = '\0';
    if (pipe != NULL)
        (void)pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    conclude(finding, line[0] == '\0' ? DIAGNOSIS_MISSING : DIAGNOSIS_OK, "%s",
             line[0] == '\0' ? HOST_QEMU_PATH " does not run" : line);
}

static void check_libvirt(struct diagnosis *finding)
{
    struct libvirt_calls libvirt;
    unsigned long version = 0;
    struct error error = {0};

    if (libvirt_calls_load(&libvirt, &error) < 0)
        conclude(finding, DIAGNOSIS_MISSING, "%.500s", error.text);
    else if (libvirt.virGetVersion(&version, NULL, NULL) < 0)
        conclude(finding, DIAGNOSIS_MISSING, "libvirt tells no version");
    else
        conclude(finding, DIAGNOSIS_OK, "libvirt %lu.%lu.%lu, embedded driver", version / 1000000u,
                 version / 1000u % 1000u, version % 1000u);
}

static void check_vsock(struct diagnosis *finding)
{
    bool there = link_vhost_vsock_available();

    conclude(finding, there ? DIAGNOSIS_OK : DIAGNOSIS_NOTE, "%s",
             there ? "vhost-vsock: the kernel's device" : "vhost-user: our own device");
    if (!there)
        advise(finding, "nothing to do; `modprobe vhost_vsock` as root for the kernel's device");
}

static void check_image(struct diagnosis *finding)
{
    CLEANUP_IMAGE struct image *image = NULL;
    struct error error = {.kind = ERROR_NONE};

    if (image_open(NULL, &image, &error) < 0) {
        conclude(finding, DIAGNOSIS_MISSING, "%.500s", error.text);
        advise(finding, "lazaret image build");
        return;
    }
    conclude(finding, DIAGNOSIS_OK, "%s, intact, %s %s", image_digest(image), image_manifest(image)->kernel_package,
             image_manifest(image)->kernel_version);
}

static void check_state(struct diagnosis *finding)
{
    struct error error = {.kind = ERROR_NONE};
    struct statvfs space;
    CLEANUP_FD int fd = -1;
    uint64_t free_mib;

    if (state_open(&fd, &error) < 0) {
        conclude(finding, DIAGNOSIS_MISSING, "%.500s", error.text);
        advise(finding, "make it writable, or set " STATE_VARIABLE);
        return;
    }
    if (faccessat(fd, ".", W_OK, 0) < 0 || fstatvfs(fd, &space) < 0) {
        conclude(finding, DIAGNOSIS_MISSING, "%s: %s", state_path(), strerror(errno));
        advise(finding, "make it writable, or set " STATE_VARIABLE);
        return;
    }
    free_mib = space.f_bavail * space.f_frsize >> 20;
    conclude(finding, free_mib < SPACE_WANTED_MIB ? DIAGNOSIS_NOTE : DIAGNOSIS_OK, "%s, writable, %llu MiB free",
             state_path(), (unsigned long long)free_mib);
    if (free_mib < SPACE_WANTED_MIB)
        advise(finding, "free some space: an image takes about 60 MiB");
}

static void check_memory(struct diagnosis *finding)
{
    unsigned long long available = host_available_memory_mib();

    conclude(finding, available < MEMORY_WANTED_MIB ? DIAGNOSIS_NOTE : DIAGNOSIS_OK, "%llu MiB available", available);
    if (available < MEMORY_WANTED_MIB)
        advise(finding, "free some memory, or give the guest less by --memory");
}

static void check_cgroups(struct diagnosis *finding)
{
    bool unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    bool legacy = access("/sys/fs/cgroup/memory", F_OK) == 0;

    conclude(finding, unified || legacy ? DIAGNOSIS_OK : DIAGNOSIS_NOTE, "%s",
             unified  ? "version 2"
             : legacy ? "version 1"
                      : "none mounted");
    if (!unified && !legacy)
        advise(finding, "limits of a batch system on an evaluation's processes do not apply");
}

/* Tries what a job does first, and ends the child at once. */
static void check_namespaces(struct diagnosis *finding)
{
    struct error error = {.kind = ERROR_NONE};
    int pidfd = -1;
    pid_t pid = 0;

    if (sandbox_fork(&pid, &pidfd, &error) < 0) {
        conclude(finding, DIAGNOSIS_MISSING, "%.500s", error.text);
        advise(finding, "run as root, or allow user namespaces");
        return;
    }
    if (pid == 0)
        _exit(0);
    (void)waitpid(pid, NULL, 0);
    cleanup_close_fd(&pidfd);
    conclude(finding, DIAGNOSIS_OK, "%s", geteuid() == 0 ? "as root" : "by a user namespace");
}

bool diagnosis_run(struct diagnosis ret_findings[DIAGNOSIS_COUNT])
{
    static const struct {
        const char *name;
        void (*check)(struct diagnosis *finding);
    } checks[DIAGNOSIS_COUNT] = {
        {"acceleration", check_acceleration},
        {"qemu", check_qemu},
        {"libvirt", check_libvirt},
        {"vsock", check_vsock},
        {"image", check_image},
        {"state directory", check_state},
        {"memory", check_memory},
        {"cgroups", check_cgroups},
        {"namespaces", check_namespaces},
    };
    bool able = true;

    for (size_t i = 0; i < DIAGNOSIS_COUNT; i++) {
        memset(&ret_findings[i], 0, sizeof(ret_findings[i]));
        ret_findings[i].name = checks[i].name;
        checks[i].check(&ret_findings[i]);
        able = able && ret_findings[i].state != DIAGNOSIS_MISSING;
    }
    return able;
}
