/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a session share: the entries of opencl_calls, as guest/engine/device.h says. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_SESSION_INTERNAL_H
#define LAZARET_GUEST_ENGINE_OPENCL_SESSION_INTERNAL_H

#include "guest/engine/opencl/session.h"

/* Where inputs wait, on both sides. */
MUST_USE int session_allocate_stages(struct device_session *session, struct error *err);
void session_free_stages(struct device_session *session);

MUST_USE int session_add(struct device_session *session, const float *term, float *sum, size_t count,
                         struct error *err);
MUST_USE int session_loss(struct device_session *session, const float *logits, const int32_t *labels, size_t samples,
                          size_t classes, float *ret_gradient, struct error *err);
MUST_USE int session_predictions(struct device_session *session, size_t samples, int32_t *ret_predictions,
                                 struct error *err);
float *session_input(struct device_session *session);
MUST_USE int session_stage(struct device_session *session, size_t count, struct error *err);
MUST_USE int session_take_input(struct device_session *session, float *place, size_t count, struct error *err);
MUST_USE int session_write(struct device_session *session, const float *place, size_t count, struct error *err);
MUST_USE int session_read(struct device_session *session, float *place, size_t count, struct error *err);

#endif
