/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes a device of any class to a VM of the default image, prints what its agent says of it, and gives it back:
 * pass-device ADDRESS. With the product's own claim, VM and keeper; only the class is not asked for.
 */
#include "host/vm/image.h"
#include "host/vm/passthrough/passthrough.h"
#include "host/vm/vm.h"

#include "base/io.h"

#include <poll.h>
#include <stdio.h>

#define MEMORY_MIB  192u
#define DEADLINE_MS 120000u

static int converse(struct vm *vm, struct error *err)
{
    uint64_t deadline = io_deadline_ms(DEADLINE_MS);
    CLEANUP_FD int stream = -1;
    char text[4096];
    ssize_t size;
    int r = vm_connect(vm, deadline, &stream, err);

    if (r == 0)
        r = io_write_full(stream, "d", 1, deadline);
    while (r == 0 && io_wait(stream, POLLIN, deadline) == 0 && (size = read(stream, text, sizeof text)) > 0)
        (void)fwrite(text, 1, (size_t)size, stdout);
    return r;
}

static int use(struct passthrough *passthrough, struct error *err)
{
    CLEANUP_IMAGE struct image *image = NULL;
    CLEANUP_VM struct vm *vm = NULL;
    static struct vm_record record;
    struct vm_options options = {
        .isolation = VM_MICROVM,
        .acceleration = VM_ACCEL_KVM,
        .transport = VM_TRANSPORT_VHOST_VSOCK,
        .vcpus = 1,
        .memory_mib = MEMORY_MIB,
        .console_fd = -1,
        .passthrough = passthrough,
    };
    int r = image_open(NULL, &image, err);

    options.image = image;
    if (r == 0)
        r = vm_prepare(&options, &vm, err);
    if (r == 0)
        r = vm_boot(vm, err);
    if (r == 0)
        r = converse(vm, err);
    if (vm != NULL && vm_destroy(vm, &record, r == 0 ? err : NULL) < 0 && r == 0)
        r = -1;
    return r;
}

int main(int argc, char **argv)
{
    const struct passthrough_facts *facts;
    struct passthrough *passthrough = NULL;
    struct error error = {0};

    if (argc != 2)
        return 64;
    if (passthrough_claim_any(argv[1], &passthrough, &error) < 0 || use(passthrough, &error) < 0)
        (void)printf("failed: %s\n", error.text);
    if (passthrough != NULL) {
        passthrough_return(passthrough);
        facts = passthrough_facts(passthrough);
        (void)printf("taken %d returned %d resets %u %u failed %u faults %u %s\n", facts->taken, facts->returned,
                     facts->resets_before, facts->resets_after, facts->resets_failed, facts->dma_faults,
                     facts->trouble);
    }
    passthrough_free(passthrough);
    return error.kind == ERROR_NONE ? 0 : error_exit_status(error.kind);
}
