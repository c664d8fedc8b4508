/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of checksums, as coreutils' sha256sum writes and reads them (its manual, "md5sum invocation"):
 *
 *   DIGEST  NAME          text or binary (" *NAME"); a line that begins with '\' has \\, \n and \r in its name escaped
 *   SHA256 (NAME) = DIGEST    BSD's form (--tag)
 *
 * Empty lines and lines that begin with '#' are passed over. Lines of other algorithms in BSD's form too.
 *
 * Call where no key is held.
 */
#ifndef LAZARET_HOST_PROVENANCE_CHECKSUMS_H
#define LAZARET_HOST_PROVENANCE_CHECKSUMS_H

#include "base/error.h"
#include "digest/sha256.h"

#define CHECKSUMS_SIZE_MAX ((size_t)1024 * 1024)
#define CHECKSUMS_NAME_MAX 4096u

/*
 * Finds a file by its name, or by the last component of a listed path, and compares. ERROR_MISMATCH, -EBADMSG: the list
 * does not name it, names it more than once with different digests, has another digest, or has a line of another form.
 */
MUST_USE int checksums_check(const void *text, size_t size, const char *name, const uint8_t sha256[SHA256_SIZE],
                             struct error *err);

#endif
