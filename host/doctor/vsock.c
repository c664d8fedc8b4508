/* SPDX-License-Identifier: Apache-2.0 */
/* The two transports. */
#include "host/doctor/internal.h"

#include "host/link/link.h"

void doctor_check_vsock(struct doctor *d)
{
    enum doctor_module module = doctor_module_state(d, "vhost_vsock");
    /* The device node says that the module is there; whether we may use it, only opening it does. */
    bool there = doctor_exists(d, "/dev/vhost-vsock");
    bool usable = d->root[0] != '\0' ? there : link_vhost_vsock_available();
    struct doctor_finding *finding;

    if (usable) {
        (void)doctor_say(d, "vsock", DOCTOR_OK, "vhost-vsock: the kernel's device");
        return;
    }
    finding = doctor_say(d, "vsock", DOCTOR_NOTE, "vhost-user: our own device (%s)",
                         there                            ? "/dev/vhost-vsock is there, and not for this user"
                         : module == DOCTOR_MODULE_ABSENT ? "this kernel has no module vhost_vsock"
                                                          : "the module vhost_vsock is not loaded");
    if (there)
        doctor_advise(finding, "nothing to do; for the kernel's device, give this user /dev/vhost-vsock");
    else if (module != DOCTOR_MODULE_ABSENT)
        doctor_advise(finding, "nothing to do; `modprobe vhost_vsock` as root for the kernel's device");
}
