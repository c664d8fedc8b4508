/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of a few instructions.
 *
 * Theory of operation. That /dev/kvm opens and makes VMs says little: there are kernels whose KVM
 * runs special guests only, and steps through an ordinary one, instruction by instruction, so
 * slowly that a kernel never comes up. So the guest is a small piece of what a kernel does: 64-bit
 * mode with paging, writes to fresh pages, CPUID, and a loop of 4 million turns (a few milliseconds
 * where the CPU runs it, tens of them under nested emulation, seconds where it is stepped), then
 * one byte to a port and HLT. Whoever calls it sets the time limit.
 * Interface: Documentation/virt/kvm/api.rst of Linux.
 */
#include "host/vm/kvm_guest.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Guest-physical layout: code, page tables, then the pages that the guest writes to. */
#define GUEST_MEMORY 0x400000u
#define CODE_ADDRESS 0x1000u
#define PML4_ADDRESS 0x2000u
#define PDPT_ADDRESS 0x3000u
#define PD_ADDRESS   0x4000u

#define ANSWER_PORT 0x10u
#define ANSWER_BYTE 0x41u
#define CPUID_MAX   256u

static const uint8_t code[] = {
    0xb9, 0x00,        0x00, 0x10, 0x00, /* mov  $0x100000,%ecx */
    0xbf, 0x00,        0x00, 0x10, 0x00, /* mov  $0x100000,%edi */
    0x31, 0xc0,                          /* xor  %eax,%eax */
    0xf3, 0xaa,                          /* rep stosb */
    0x0f, 0xa2,                          /* cpuid */
    0xb9, 0x00,        0x00, 0x40, 0x00, /* mov  $0x400000,%ecx */
    0xff, 0xc9,                          /* dec  %ecx */
    0x75, 0xfc,                          /* jnz  the dec */
    0xb0, ANSWER_BYTE,                   /* mov  $ANSWER_BYTE,%al */
    0xe6, ANSWER_PORT,                   /* out  %al,$ANSWER_PORT */
    0xf4,                                /* hlt */
};

struct guest {
    int kvm, vm, vcpu;
    uint8_t *memory;
    struct kvm_run *run;
    size_t run_size;
    const char *step; /* what is being done, for the reason */
};

static void guest_free(struct guest *guest)
{
    if (guest->run != MAP_FAILED)
        (void)munmap(guest->run, guest->run_size);
    if (guest->memory != MAP_FAILED)
        (void)munmap(guest->memory, GUEST_MEMORY);
    cleanup_close_fd(&guest->vcpu);
    cleanup_close_fd(&guest->vm);
    cleanup_close_fd(&guest->kvm);
}

static int make_vm(struct guest *guest)
{
    struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY};

    guest->step = "/dev/kvm can't be opened";
    guest->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (guest->kvm < 0)
        return -errno;
    guest->step = "/dev/kvm speaks another version of the interface";
    if (ioctl(guest->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        return -EPROTO;
    guest->step = "KVM can't make a VM";
    guest->vm = ioctl(guest->kvm, KVM_CREATE_VM, 0);
    if (guest->vm < 0)
        return -errno;
    guest->memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (guest->memory == MAP_FAILED)
        return -errno;
    region.userspace_addr = (uint64_t)(uintptr_t)guest->memory;
    return ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

/* The guest sees the CPU that KVM supports. */
static int set_cpuid(const struct guest *guest)
{
    CLEANUP_FREE struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]));

    if (cpuid == NULL)
        return -ENOMEM;
    cpuid->nent = CPUID_MAX;
    if (ioctl(guest->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 || ioctl(guest->vcpu, KVM_SET_CPUID2, cpuid) < 0)
        return -errno;
    return 0;
}

static int make_vcpu(struct guest *guest)
{
    int size;

    guest->step = "KVM can't make a virtual CPU";
    guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
    size = ioctl(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (guest->vcpu < 0 || size < (int)sizeof(struct kvm_run))
        return -EIO;
    guest->run_size = (size_t)size;
    guest->run = mmap(NULL, guest->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
    if (guest->run == MAP_FAILED)
        return -errno;
    return set_cpuid(guest);
}

static void write_entry(struct guest *guest, uint32_t address, uint64_t entry)
{
    memcpy(guest->memory + address, &entry, sizeof(entry));
}

/* 64-bit mode, the guest's memory mapped one to one in two pages of 2 MiB. */
static int set_registers(struct guest *guest)
{
    struct kvm_segment segment = {.limit = 0xffffffff, .selector = 8, .present = 1, .type = 11, .s = 1, .l = 1, .g = 1};
    struct kvm_regs regs = {.rip = CODE_ADDRESS, .rflags = 2};
    struct kvm_sregs sregs;

    guest->step = "KVM refuses a 64-bit CPU state";
    memcpy(guest->memory + CODE_ADDRESS, code, sizeof(code));
    write_entry(guest, PML4_ADDRESS, PDPT_ADDRESS | 3);
    write_entry(guest, PDPT_ADDRESS, PD_ADDRESS | 3);
    write_entry(guest, PD_ADDRESS, 0x83);
    write_entry(guest, PD_ADDRESS + 8, 0x200083);
    if (ioctl(guest->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return -errno;
    sregs.cs = segment;
    segment.type = 3;
    segment.selector = 16;
    segment.l = 0;
    segment.db = 1;
    sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = segment;
    sregs.cr3 = PML4_ADDRESS;
    sregs.cr4 |= 1u << 5;                 /* PAE */
    sregs.cr0 |= (1u << 31) | (1u << 0);  /* PG, PE */
    sregs.efer |= (1u << 10) | (1u << 8); /* LMA, LME */
    if (ioctl(guest->vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(guest->vcpu, KVM_SET_REGS, &regs) < 0)
        return -errno;
    return 0;
}

static int expect_exit(struct guest *guest, uint32_t reason)
{
    guest->step = "KVM can't run the guest";
    while (ioctl(guest->vcpu, KVM_RUN, 0) < 0)
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    guest->step = "the guest ended otherwise than it should";
    return guest->run->exit_reason == reason ? 0 : -EPROTO;
}

static int run(struct guest *guest)
{
    const struct kvm_run *state = guest->run;
    int r = expect_exit(guest, KVM_EXIT_IO);

    if (r < 0)
        return r;
    if (state->io.direction != KVM_EXIT_IO_OUT || state->io.port != ANSWER_PORT || state->io.size != 1 ||
        state->io.data_offset >= guest->run_size || ((const uint8_t *)state)[state->io.data_offset] != ANSWER_BYTE)
        return -EPROTO;
    return expect_exit(guest, KVM_EXIT_HLT);
}

int kvm_guest_run(char *ret_reason, unsigned room)
{
    struct guest guest = {.kvm = -1, .vm = -1, .vcpu = -1, .memory = MAP_FAILED, .run = MAP_FAILED};
    int r = make_vm(&guest);

    if (r == 0)
        r = make_vcpu(&guest);
    if (r == 0)
        r = set_registers(&guest);
    if (r == 0)
        r = run(&guest);
    if (r < 0)
        (void)snprintf(ret_reason, room, "%s: %s", guest.step, strerror(-r));
    else
        (void)snprintf(ret_reason, room, "KVM ran a guest's instructions");
    guest_free(&guest);
    return r;
}
