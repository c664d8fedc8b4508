/* SPDX-License-Identifier: Apache-2.0 */
/* Putting signatures into an output directory, in the forms of approve/folder.h. */
#ifndef LAZARET_HOST_APPROVE_SIGN_OFF_H
#define LAZARET_HOST_APPROVE_SIGN_OFF_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/crypto/signature.h"

/* A signature by a PEM key, over the PAE of `payload`. */
struct sign_off_signature {
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    size_t size;
    uint8_t fingerprint[SHA256_SIZE];
};

/* Writes a bundle of one signature as `name`. The folder is locked (approve/folder.h). */
MUST_USE int sign_off_write_bundle(int folder_fd, const char *name, const struct buffer *payload,
                                   const struct sign_off_signature *signature, struct error *err);

/*
 * Appends the envelope of every bundle in the directory that is of the statement, by file name; nothing where there is
 * none. Whose keys they are is not looked at.
 */
MUST_USE int sign_off_encode_envelope(const char *directory, const struct buffer *statement, struct buffer *ret_text,
                                      struct error *err);

/* What an envelope that is there is to the bundles: all of them; some, as after a crash between two files; or else. */
enum sign_off_envelope { SIGN_OFF_ENVELOPE_WHOLE, SIGN_OFF_ENVELOPE_LACKS, SIGN_OFF_ENVELOPE_DIFFERS };
MUST_USE int sign_off_judge_envelope(const char *directory, const struct buffer *statement, const struct buffer *found,
                                     enum sign_off_envelope *ret_envelope, struct error *err);

/* Writes that envelope, or removes it where there would be no signature in it. */
MUST_USE int sign_off_write_envelope(int folder_fd, const char *directory, const struct buffer *statement,
                                     struct error *err);

/* Removes every sign-off, its statement and its envelope; waivers stay. */
MUST_USE int sign_off_remove_all(int folder_fd, const char *directory, struct error *err);

#endif
