/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of the outer VM: loads KVM, probes it, prints the answer, powers off. */
#include "host/vm/acceleration.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>

/* Generous: here KVM is emulated, and the machine may be busy. */
#define LIMIT_MS 10000u

static void load(const char *path)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
        perror(path);
}

int main(void)
{
    struct acceleration_probe probe;

    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
        perror("/dev");
    load("/irqbypass.ko");
    load("/kvm.ko");
    load("/kvm-amd.ko");
    acceleration_probe(LIMIT_MS, &probe);
    (void)printf("PROBE %s in %u ms: %s\n", probe.kvm_works ? "kvm" : "tcg", (unsigned)(probe.wall_ns / 1000000u),
                 probe.reason);
    (void)fflush(stdout);
    (void)reboot(RB_POWER_OFF);
    return 1;
}
