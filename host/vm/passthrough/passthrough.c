/* SPDX-License-Identifier: Apache-2.0 */
/* Passthrough of a GPU: the monitor's side. */
#include "host/vm/passthrough/passthrough.h"

#include "base/io.h"
#include "host/vm/deadlines.h"
#include "host/vm/passthrough/check.h"
#include "host/vm/passthrough/dma_faults.h"
#include "host/vm/passthrough/keeper.h"
#include "host/vm/passthrough/loan.h"
#include "host/vm/passthrough/pci_driver.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define MODPROBE   "/sbin/modprobe"
#define DRIVER     "bus/pci/drivers/" PCI_GUEST_DRIVER
#define DRIVER_MOD "vfio-pci"

struct passthrough {
    struct passthrough_facts facts;
    struct pci_group group;
    struct keeper *keeper;
    int kernel_log; /* -1: it can't be read */
    int sysfs;
    int loan_fd, group_fd; /* the locks are shared with the keeper */
    bool done;             /* it was given back, or that was tried */
};

/* ---- the claim ----------------------------------------------------------------------------------- */

/* The driver, which a job's confined processes could not load later. */
static int load_driver(int sysfs, struct error *err)
{
    char *const arguments[] = {(char *)MODPROBE, (char *)"--", (char *)DRIVER_MOD, NULL};
    char *const environment[] = {NULL};
    int status;
    pid_t pid;

    if (sysfs_exists(sysfs, DRIVER))
        return 0;
    if (posix_spawn(&pid, MODPROBE, NULL, NULL, arguments, environment) == 0)
        (void)waitpid(pid, &status, 0);
    if (sysfs_exists(sysfs, DRIVER))
        return 0;
    return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                     "the kernel's driver " PCI_GUEST_DRIVER " is not there; load it with `modprobe " DRIVER_MOD "`");
}

static void describe(struct passthrough *passthrough)
{
    struct passthrough_facts *facts = &passthrough->facts;
    const struct pci_group *group = &passthrough->group;

    facts->device = group->functions[0];
    facts->companion_count = group->count - 1;
    for (unsigned i = 1; i < group->count; i++)
        memcpy(facts->companions[i - 1], group->functions[i].name, PCI_ADDRESS_SIZE);
}

/* What a dead job left of this device is undone first: its driver is then the host's again, and remembered. */
static int recover(struct passthrough *passthrough, struct error *err)
{
    struct loan loan;
    int r = loan_read(passthrough->loan_fd, &loan, err);

    if (r < 0 || loan.count == 0)
        return r;
    r = loan_give_back(passthrough->sysfs, &loan, err);
    return r < 0 ? r : loan_clear(passthrough->loan_fd, err);
}

static int lock(struct passthrough *passthrough, const struct pci_address *address, struct error *err)
{
    CLEANUP_FD int state_fd = -1;
    struct pci_device device;
    int r = pci_device_read(passthrough->sysfs, address, &device, err);

    if (r == 0)
        r = state_open(&state_fd, err);
    if (r == 0)
        r = loan_lock(state_fd, device.name, &passthrough->loan_fd, err);
    if (r == 0)
        r = loan_lock_group(passthrough->sysfs, &device, &passthrough->group_fd, err);
    return r < 0 ? r : recover(passthrough, err);
}

static int claim(struct passthrough *passthrough, const struct pci_address *address, bool any, struct error *err)
{
    struct check_places places;
    int r = check_open_places(&places, err);

    if (r < 0)
        return r;
    passthrough->sysfs = take_fd(&places.sysfs);
    places.sysfs = passthrough->sysfs;
    /* Looked at first, so that a record is made of nothing but GPUs; and again once nobody else can have it. */
    r = (any ? check_any_device : check_device)(&places, address, &passthrough->group, err);
    if (r == -EBUSY || r == 0)
        r = lock(passthrough, address, err);
    /* The option that leaves interrupts open is seen only once its module is there. */
    if (r == 0)
        r = load_driver(passthrough->sysfs, err);
    if (r == 0)
        r = (any ? check_any_device : check_device)(&places, address, &passthrough->group, err);
    places.sysfs = -1;
    check_close_places(&places);
    if (r < 0)
        return r;
    describe(passthrough);
    return keeper_start(passthrough->sysfs, passthrough->loan_fd, passthrough->group_fd, &passthrough->group,
                        &passthrough->keeper, err);
}

static int claim_text(const char *text, bool any, struct passthrough **ret_passthrough, struct error *err)
{
    struct passthrough *passthrough;
    struct pci_address address;
    int r;

    if (pci_address_parse(text, &address) < 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "\"%s\" is no PCI address; they look like 0000:01:00.0, or 01:00.0",
                         text);
    if (geteuid() != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EACCES, "a device is passed through by root alone; run as root");
    passthrough = calloc(1, sizeof *passthrough);
    if (passthrough == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a device");
    passthrough->sysfs = passthrough->loan_fd = passthrough->group_fd = -1;
    passthrough->kernel_log = dma_faults_open();
    passthrough->facts.faults_known = passthrough->kernel_log >= 0;
    r = claim(passthrough, &address, any, err);
    if (r < 0)
        passthrough_free(passthrough);
    else
        *ret_passthrough = passthrough;
    return r;
}

int passthrough_claim(const char *address, struct passthrough **ret_passthrough, struct error *err)
{
    return claim_text(address, false, ret_passthrough, err);
}

int passthrough_claim_any(const char *address, struct passthrough **ret_passthrough, struct error *err)
{
    return claim_text(address, true, ret_passthrough, err);
}

/* ---- while it is the job's ------------------------------------------------------------------------- */

static void note(struct passthrough *passthrough, const struct error *trouble)
{
    struct passthrough_facts *facts = &passthrough->facts;

    if (facts->trouble[0] == '\0')
        (void)snprintf(facts->trouble, sizeof facts->trouble, "%s", trouble->text);
}

static int order(struct passthrough *passthrough, enum keeper_order what, unsigned *count, struct error *err)
{
    struct passthrough_facts *facts = &passthrough->facts;
    uint64_t ns = 0;
    int r = keeper_order(passthrough->keeper, what, io_deadline_ms(VM_DEADLINE_DEVICE_MS), &ns, err);

    if (ns > facts->reset_ns)
        facts->reset_ns = ns;
    if (r == 0)
        ++*count;
    else
        facts->resets_failed++;
    return r;
}

int passthrough_take(struct passthrough *passthrough, struct error *err)
{
    struct error trouble = {0};
    int r = order(passthrough, KEEPER_TAKE, &passthrough->facts.resets_before, &trouble);

    if (r < 0) {
        note(passthrough, &trouble);
        return error_set(err, ERROR_GUEST, r, "%s", trouble.text);
    }
    passthrough->facts.taken = true;
    dma_faults_skip(passthrough->kernel_log); /* what its own driver caused when it let go is not the guest's */
    return 0;
}

void passthrough_reset(struct passthrough *passthrough)
{
    struct passthrough_facts *facts = &passthrough->facts;
    struct error trouble = {0};
    unsigned faults = 0;

    if (!facts->taken || passthrough->done)
        return;
    if (!dma_faults_count(passthrough->kernel_log, &facts->device.address, &faults) && facts->faults_known) {
        facts->faults_known = false;
        (void)error_set(&trouble, ERROR_UNAVAILABLE, -EPIPE,
                        "the kernel's log could not be read whole, so what the IOMMU blocked is not known");
        note(passthrough, &trouble);
    }
    facts->dma_faults += faults;
    if (order(passthrough, KEEPER_RESET, &passthrough->facts.resets_after, &trouble) < 0)
        note(passthrough, &trouble);
}

void passthrough_return(struct passthrough *passthrough)
{
    struct error trouble = {0};
    uint64_t ns;
    int r;

    if (passthrough == NULL || passthrough->done)
        return;
    passthrough->done = true;
    r = keeper_order(passthrough->keeper, KEEPER_RETURN, io_deadline_ms(VM_DEADLINE_DEVICE_MS), &ns, &trouble);
    /*
     * The keeper was killed: what it wrote down is done from here. One that is late is left to it: it may wait in the
     * kernel, where the monitor would then wait too. The end of its socket comes a little before its own.
     */
    if (r < 0 && trouble.kind == ERROR_INTERNAL &&
        keeper_has_ended(passthrough->keeper, r == -ETIMEDOUT ? io_now_ns() : io_deadline_ms(VM_DEADLINE_KEEPER_MS)))
        r = recover(passthrough, &trouble);
    passthrough->facts.returned = r == 0;
    if (r < 0)
        note(passthrough, &trouble);
}

const struct passthrough_facts *passthrough_facts(const struct passthrough *passthrough)
{
    return &passthrough->facts;
}

void passthrough_free(struct passthrough *passthrough)
{
    if (passthrough == NULL)
        return;
    if (passthrough->keeper != NULL)
        passthrough_return(passthrough);
    keeper_free(passthrough->keeper, io_deadline_ms(VM_DEADLINE_KEEPER_MS));
    cleanup_close_fd(&passthrough->kernel_log);
    cleanup_close_fd(&passthrough->loan_fd);
    cleanup_close_fd(&passthrough->group_fd);
    cleanup_close_fd(&passthrough->sysfs);
    free(passthrough);
}

int passthrough_reap(struct error *err)
{
    CLEANUP_FD int state_fd = -1, sysfs = -1;
    int r = state_open(&state_fd, err);

    if (r < 0 || faccessat(state_fd, LOAN_FOLDER, F_OK, 0) < 0)
        return r; /* no job here ever had a device */
    sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sysfs < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "/sys: %s", strerror(errno));
    return loan_reap(sysfs, state_fd, err);
}
