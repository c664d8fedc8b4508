/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes on a device: there where it has the operator, else by the processor with copies before and after.
 */
#ifndef LAZARET_GUEST_ENGINE_DEVICE_PASS_H
#define LAZARET_GUEST_ENGINE_DEVICE_PASS_H

#include "guest/engine/device.h"

MUST_USE int device_pass_forward(const struct device *device, struct device_session *session, const struct op_run *run,
                                 struct error *err);

/* ret_dx's place gets the gradient of input `input`; run->finish as in struct op. */
MUST_USE int device_pass_backward(const struct device *device, struct device_session *session, const struct op_run *run,
                                  uint32_t input, const float *dy, float *ret_dx, struct error *err);

#endif
