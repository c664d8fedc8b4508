/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation can't do without: programs, the guest image, room, namespaces. */
#include "host/doctor/internal.h"

#include "host/vm/acceleration.h"
#include "host/vm/deadlines.h"
#include "host/vm/host_facts.h"
#include "host/vm/image.h"
#include "host/vm/libvirt_calls.h"
#include "host/vm/sandbox.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* A guest of the shipped policies and what its host processes need, in MiB. */
#define MEMORY_WANTED_MIB 1536u
#define SPACE_WANTED_MIB  512u

void doctor_check_acceleration(struct doctor *d)
{
    struct acceleration_probe probe;
    struct doctor_finding *finding;

    acceleration_probe(VM_DEADLINE_PROBE_MS, &probe);
    finding = doctor_say(d, "acceleration", probe.kvm_works ? DOCTOR_OK : DOCTOR_NOTE, "%s: %s",
                         probe.kvm_works ? "kvm" : "tcg", probe.reason);
    if (!probe.kvm_works)
        doctor_advise(finding, "evaluations give the same bits under TCG, only slower; for KVM, enable (nested) "
                               "virtualisation and give this user /dev/kvm");
}

void doctor_check_qemu(struct doctor *d)
{
    struct error error = {.kind = ERROR_NONE};

    if (host_check_qemu(&error) < 0)
        doctor_advise(doctor_say(d, "qemu", DOCTOR_MISSING, "%.500s", error.text),
                      "apt-get install qemu-system-x86 libvirt-daemon-driver-qemu");
    else if (d->facts.qemu[0] == '\0')
        doctor_advise(doctor_say(d, "qemu", DOCTOR_MISSING, "%s does not run", HOST_QEMU_PATH),
                      "apt-get install --reinstall qemu-system-x86");
    else
        (void)doctor_say(d, "qemu", DOCTOR_OK, "%s", d->facts.qemu);
}

void doctor_check_libvirt(struct doctor *d)
{
    struct libvirt_calls libvirt;
    unsigned long version = 0;
    struct error error = {0};

    if (libvirt_calls_load(&libvirt, &error) < 0)
        doctor_advise(doctor_say(d, "libvirt", DOCTOR_MISSING, "%.500s", error.text),
                      "apt-get install libvirt0 libvirt-daemon-driver-qemu");
    else if (libvirt.virGetVersion(&version, NULL, NULL) < 0)
        doctor_advise(doctor_say(d, "libvirt", DOCTOR_MISSING, "libvirt tells no version"),
                      "apt-get install --reinstall libvirt0");
    else
        (void)doctor_say(d, "libvirt", DOCTOR_OK, "libvirt %lu.%lu.%lu, embedded driver", version / 1000000u,
                         version / 1000u % 1000u, version % 1000u);
}

/* Of the variants, which nobody needs who has no GPU. */
static void say_gpu_image(struct doctor *d, enum manifest_gpu gpu)
{
    CLEANUP_IMAGE struct image *image = NULL;
    struct error error = {.kind = ERROR_NONE};
    const char *name = manifest_gpu_names[gpu];

    if (image_open_gpu(gpu, &image, &error) < 0)
        doctor_advise(doctor_say(d, "gpu image", DOCTOR_NOTE, "%s: %.500s", name, error.text),
                      "lazaret image build --gpu %s (docs/gpu-image.md)", name);
    else
        (void)doctor_say(d, "gpu image", DOCTOR_OK, "%s: %s, intact, %s %s, a disk of %llu MiB", name,
                         image_digest(image), image_manifest(image)->kernel_package,
                         image_manifest(image)->kernel_version,
                         (unsigned long long)image_manifest(image)->disk.file.size >> 20);
}

void doctor_check_image(struct doctor *d)
{
    CLEANUP_IMAGE struct image *image = NULL;
    struct error error = {.kind = ERROR_NONE};

    if (image_open(NULL, &image, &error) < 0)
        doctor_advise(doctor_say(d, "image", DOCTOR_MISSING, "%.500s", error.text), "lazaret image build");
    else
        (void)doctor_say(d, "image", DOCTOR_OK, "%s, intact, %s %s", image_digest(image),
                         image_manifest(image)->kernel_package, image_manifest(image)->kernel_version);
    for (int gpu = 0; gpu < MANIFEST_GPU_COUNT; gpu++)
        if (d->facts.gpu_image[gpu])
            say_gpu_image(d, (enum manifest_gpu)gpu);
}

void doctor_check_state(struct doctor *d)
{
    static const char remedy[] = "make it writable, or set " STATE_VARIABLE;
    struct error error = {.kind = ERROR_NONE};
    struct doctor_finding *finding;
    struct statvfs space;
    CLEANUP_FD int fd = -1;
    uint64_t free_mib;

    if (state_open(&fd, &error) < 0) {
        doctor_advise(doctor_say(d, "state directory", DOCTOR_MISSING, "%.500s", error.text), "%s", remedy);
        return;
    }
    if (faccessat(fd, ".", W_OK, 0) < 0 || fstatvfs(fd, &space) < 0) {
        doctor_advise(doctor_say(d, "state directory", DOCTOR_MISSING, "%s: %s", state_path(), strerror(errno)), "%s",
                      remedy);
        return;
    }
    free_mib = space.f_bavail * space.f_frsize >> 20;
    finding = doctor_say(d, "state directory", free_mib < SPACE_WANTED_MIB ? DOCTOR_NOTE : DOCTOR_OK,
                         "%s, writable, %llu MiB free", state_path(), (unsigned long long)free_mib);
    if (free_mib < SPACE_WANTED_MIB)
        doctor_advise(finding, "free some space: an image takes about 60 MiB");
}

void doctor_check_available(struct doctor *d)
{
    unsigned long long available = host_available_memory_mib();
    struct doctor_finding *finding = doctor_say(d, "memory", available < MEMORY_WANTED_MIB ? DOCTOR_NOTE : DOCTOR_OK,
                                                "%llu MiB available", available);

    if (available < MEMORY_WANTED_MIB)
        doctor_advise(finding, "free some memory, or give the guest less by --memory");
}

/* Tries what a job does first, and ends the child at once. */
void doctor_check_namespaces(struct doctor *d)
{
    struct error error = {.kind = ERROR_NONE};
    int pidfd = -1;
    pid_t pid = 0;

    if (sandbox_fork(&pid, &pidfd, &error) < 0) {
        doctor_advise(doctor_say(d, "namespaces", DOCTOR_MISSING, "%.500s", error.text),
                      "run as root with its capabilities, or allow user namespaces");
        return;
    }
    if (pid == 0)
        _exit(0);
    (void)waitpid(pid, NULL, 0);
    cleanup_close_fd(&pidfd);
    (void)doctor_say(d, "namespaces", DOCTOR_OK, "%s", d->facts.root ? "as root" : "by a user namespace");
}
