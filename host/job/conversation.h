/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One evaluation's talk with the guest, over a connection: greeting, plan, model, checks, parting.
 *
 * Returns with every result filed, or with the first thing that went wrong: what the guest said of itself (a model it
 * can't run, a worker that crashed), what it did (broke the protocol, kept silent, died), or what the host lacked.
 */
#ifndef LAZARET_HOST_JOB_CONVERSATION_H
#define LAZARET_HOST_JOB_CONVERSATION_H

#include "host/collect/collector.h"
#include "host/job/events.h"
#include "host/job/inputs.h"
#include "host/job/results.h"
#include "host/vm/vm.h"

struct conversation {
    struct vm *vm;  /* looked at while waiting */
    int connection; /* from vm_connect() */
    struct collector *collector; /* prepared; for this conversation alone */
    const struct plan *plan;
    int model_fd, reference_fd; /* reference_fd: -1 where the plan has none */
    const char *model_name;     /* begins messages about the model; printable */
    const char *test_name;
    const struct inputs *inputs;
    uint32_t test_label_max; /* the largest test label: must be among the model's classes */
    bool test_labelled;
    struct events *events;
    uint64_t deadline_ns; /* of the whole evaluation */
};

/* What the guest gave as its reason, when it gave one. */
struct conversation_failure {
    bool said;
    struct message_failure failure; /* its text is empty */
    char text[MESSAGE_TEXT_MAX + 1];
};

MUST_USE int conversation_run(const struct conversation *conversation, struct results *results,
                              struct conversation_failure *ret_failure, struct error *err);

#endif
