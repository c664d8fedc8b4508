/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's functions, loaded by who starts a VM.
 *
 * libvirt brings forty libraries along, whose loading costs every command more than most of them do. So `lazaret` is
 * not linked with it: the controller, a process of its own, loads it, and doctor for the version.
 */
#ifndef LAZARET_HOST_VM_LIBVIRT_CALLS_H
#define LAZARET_HOST_VM_LIBVIRT_CALLS_H

#include "base/error.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define LIBVIRT_CALLS(CALL)                                                                                            \
    CALL(virConnectDomainEventRegisterAny)                                                                             \
    CALL(virConnectGetVersion)                                                                                         \
    CALL(virConnectOpen)                                                                                               \
    CALL(virDomainCreateXML)                                                                                           \
    CALL(virDomainDestroyFlags)                                                                                        \
    CALL(virDomainGetXMLDesc)                                                                                          \
    CALL(virEventRegisterDefaultImpl)                                                                                  \
    CALL(virEventRunDefaultImpl)                                                                                       \
    CALL(virGetLastErrorMessage)                                                                                       \
    CALL(virGetVersion)                                                                                                \
    CALL(virSetErrorFunc)

/* Each under its own name, with its own type. */
struct libvirt_calls {
#define LIBVIRT_DECLARE(name) __typeof__(name) *name;
    LIBVIRT_CALLS(LIBVIRT_DECLARE)
#undef LIBVIRT_DECLARE
};

/* Loads libvirt for the rest of the process's life. ERROR_UNAVAILABLE where it is not installed. */
MUST_USE int libvirt_calls_load(struct libvirt_calls *ret_calls, struct error *err);

#endif
