/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of one check of a plan, for plan_codec.c alone: PROTOCOL.md, section 4. */
#ifndef LAZARET_WIRE_PLAN_CHECK_CODEC_H
#define LAZARET_WIRE_PLAN_CHECK_CODEC_H

#include "wire/codec.h"

/* The next member is the array of parameters of check->id; what breaks a limit is refused. */
void plan_check_decode(struct codec_reader *parent, struct plan_check *check);
void plan_check_encode(struct codec_writer *writer, const struct plan_check *check);

#endif
