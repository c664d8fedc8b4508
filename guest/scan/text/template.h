/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about Jinja templates, wherever one stands: in a file of its own, in a tokenizer's configuration, in GGUF.
 */
#ifndef LAZARET_GUEST_SCAN_TEMPLATE_H
#define LAZARET_GUEST_SCAN_TEMPLATE_H

#include "guest/scan/scan.h"

#include <stddef.h>

/*
 * Judges a text that may be a template, decoded; one without blocks costs a search for them. Findings are put at
 * `offset`, plus the place in the text where `exact` says that the text stands in the object as it is.
 */
MUST_USE int template_find(struct scan *scan, const struct scan_object *object, const void *bytes, size_t size,
                           uint64_t offset, bool exact, struct error *err);

#endif
