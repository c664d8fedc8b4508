/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader of our own markup: what a page or a JUnit file may hold, and nothing else. */
#ifndef LAZARET_TESTS_REPORT_MARKUP_H
#define LAZARET_TESTS_REPORT_MARKUP_H

#include "base/buffer.h"

/*
 * NULL where every element is closed in its turn, is one that we write, has no attributes but those that we write, in
 * double quotes, and where text has no character but visible ones and newlines, and no entity but those of our
 * escapers. Otherwise what is wrong.
 */
const char *markup_fault(const struct buffer *markup);

#endif
