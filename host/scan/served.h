/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file whose ranges are handed to the guest, and the proof that what was handed out is what was hashed.
 *
 * Theory of operation. The file stays where it is and may change at any time. Each block that is handed out is hashed
 * as it is read; a block that is read again must have the same digest. At the end the whole file is read once more, for
 * its SHA-256, and each block that was handed out must have its digest in this very reading. So the scan has seen
 * bytes of the file that the SHA-256 names, and no others. Besides, its size and times must be what they were.
 *
 * Nothing here looks at the bytes.
 */
#ifndef LAZARET_HOST_SCAN_SERVED_H
#define LAZARET_HOST_SCAN_SERVED_H

#include "base/error.h"
#include "digest/sha256.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVED_BLOCK    FRAME_CHUNK_MAX
#define SERVED_SIZE_MAX (UINT64_C(1) << 40) /* 128 MiB of digests, of blocks that are read alone */

struct served;

/* Takes over `fd`, a regular file open for reading. ERROR_BAD_INPUT, -EFBIG beyond SERVED_SIZE_MAX. */
MUST_USE int served_open(int *fd, struct served **ret_served, struct error *err);
void served_free(struct served *served);

uint64_t served_size(const struct served *served);

/*
 * Reads a range within the size, at most FRAME_CHUNK_MAX bytes. ERROR_NO_INPUT: it can't be read; ERROR_BAD_INPUT with
 * -ESTALE: it has changed.
 */
MUST_USE int served_read(struct served *served, uint64_t offset, uint32_t size, uint8_t *ret_bytes, struct error *err);

/* The whole file's digest, once all is served; errors as above. */
MUST_USE int served_finish(struct served *served, uint8_t ret_sha256[SHA256_SIZE], struct error *err);

static inline void served_free_pointer(struct served **served)
{
    served_free(*served);
}
#define CLEANUP_SERVED CLEANUP(served_free_pointer)

#endif
