/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of foreign text, and the two things they hold: decimal numbers and hashes in base64. */
#ifndef LAZARET_HOST_LEDGER_LINES_H
#define LAZARET_HOST_LEDGER_LINES_H

#include "base/cursor.h"
#include "digest/sha256.h"

/* The next line, without its newline; -EBADMSG where no newline follows. */
MUST_USE int lines_next(struct cursor *cursor, const uint8_t **ret_line, size_t *ret_size);

/* A whole line of decimal digits without leading zeros, at most `max`; else -EBADMSG. */
MUST_USE int lines_number(const uint8_t *line, size_t size, uint64_t max, uint64_t *ret_number);

/* A whole line of the base64 of a hash; else -EBADMSG. */
MUST_USE int lines_hash(const uint8_t *line, size_t size, uint8_t ret_hash[SHA256_SIZE]);

#endif
