/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's checks: the policy's parameters, typed, or why a check can't be made of these inputs. */
#ifndef LAZARET_HOST_JOB_PLAN_CHECKS_H
#define LAZARET_HOST_JOB_PLAN_CHECKS_H

#include "host/job/plan_make.h"

/* Adds every check that the policy names, by id; made->plan has its contract, sets and reference already. */
void plan_checks_make(const struct admission *admission, const struct job_options *options, struct plan_made *made);

#endif
