/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libvirt domain of a VM: pinned hardware, nothing that the job does not need.
 * Format: https://libvirt.org/formatdomain.html
 */
#ifndef LAZARET_HOST_VM_DOMAIN_H
#define LAZARET_HOST_VM_DOMAIN_H

#include "base/error.h"
#include "host/vm/passthrough/pci_address.h"
#include "host/vm/vm.h"

#define DOMAIN_MACHINE "pc-q35-7.2"

struct domain_options {
    const char *name;
    enum vm_acceleration acceleration; /* KVM or TCG */
    enum vm_transport transport;       /* vhost-vsock or vhost-user */
    unsigned vcpus;
    uint64_t memory_mib;
    const char *kernel, *initramfs; /* paths that QEMU opens */
    const char *command_line;
    const char *console;               /* path prefix of a pair of FIFOs, .in and .out */
    const char *vsock_socket;          /* vhost-user only: where the device listens */
    const struct pci_address *hostdev; /* of the host's, that the guest gets; NULL: none */
    const char *scratch;               /* path of a raw disk that the guest may write; NULL: none */
    const char *disk;                  /* path of the image's own disk, which it may read; NULL: none */
    bool computes_on_processor;        /* a driver does: the processor is to have what OpenCL's devices need */
};

/* Writes the XML; the caller frees it. -EMSGSIZE beyond VM_XML_MAX, -EINVAL for AUTO values. */
MUST_USE int domain_format_xml(const struct domain_options *options, char **ret_xml, struct error *err);

#endif
