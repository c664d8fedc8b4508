/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that people add to a finished output directory: each whole or not at all, and one writer at a time.
 *
 *   approval.json                  the bytes that reviewers sign
 *   approval-NAME.sigstore.json    a sign-off by NAME's PEM key: a bundle with one signature over these bytes
 *   approval-NAME.sshsig           a sign-off by NAME's OpenSSH key: SSHSIG over the bytes' PAE (attest/dsse.h)
 *   approval.dsse.json             all signatures by PEM keys in one envelope, for others; made from the bundles
 *   waiver-CHECK.sigstore.json     a bundle
 *   release.sigstore.json          a bundle
 */
#ifndef LAZARET_HOST_APPROVE_FOLDER_H
#define LAZARET_HOST_APPROVE_FOLDER_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

#define FOLDER_STATEMENT      "approval.json"
#define FOLDER_ENVELOPE       "approval.dsse.json"
#define FOLDER_RELEASE        "release.sigstore.json"
#define FOLDER_SIGN_OFF       "approval-" /* then a name, then one of the endings */
#define FOLDER_WAIVER         "waiver-"   /* then a check, then the bundle's ending */
#define FOLDER_BUNDLE_ENDING  ".sigstore.json"
#define FOLDER_SSH_ENDING     ".sshsig"
#define FOLDER_FILES_MAX      128u /* sign-offs and waivers that are looked at */
#define FOLDER_FILE_NAME_SIZE 128u

struct folder_file {
    char name[FOLDER_FILE_NAME_SIZE];
    char of[FOLDER_FILE_NAME_SIZE]; /* the reviewer or the check that the name names */
    bool is_waiver, is_ssh;
};

struct folder_list {
    unsigned count;
    struct folder_file files[FOLDER_FILES_MAX]; /* by name */
};

/*
 * Opens an output directory and takes its lock, which lasts as long as the descriptor. ERROR_NO_INPUT where it is
 * none; ERROR_UNAVAILABLE, -EWOULDBLOCK where another process is writing sign-offs and is not done within 2 s.
 */
MUST_USE int folder_lock(const char *path, int *ret_fd, struct error *err);

/* Writes a file, replacing one of that name at once. ERROR_UNAVAILABLE. */
MUST_USE int folder_write(int folder_fd, const char *name, const void *data, size_t size, struct error *err);

/* Removes a file; one that is not there is fine. */
MUST_USE int folder_remove(int folder_fd, const char *name, struct error *err);

/* Appends a file's content within the buffer's limit. -ENOENT, ERROR_NO_INPUT where it is not there. */
MUST_USE int folder_read(const char *path, const char *name, struct buffer *ret_content, struct error *err);

/* Whether a file's name is one of those above. */
bool folder_is_added(const char *name);

/* Sign-offs and waivers by their names. ERROR_NO_INPUT; ERROR_BAD_INPUT, -EMSGSIZE where there are too many. */
MUST_USE int folder_list(const char *path, struct folder_list *ret_list, struct error *err);

#endif
