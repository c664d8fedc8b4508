/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's manifest: what it consists of and what was measured of it.
 *
 * Canonical JSON (host/json/canonical.h); the SHA-256 of its bytes is
 * the image's name:
 * {"agent":{"sha256":H,"size":N},"commandLine":S,"format":1,
 *  "initramfs":{"name":S,"sha256":H,"size":N},
 *  "kernel":{"package":S,"sha256":H,"size":N,"version":S}}
 */
#ifndef LAZARET_HOST_VM_MANIFEST_H
#define LAZARET_HOST_VM_MANIFEST_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"

#include <stddef.h>
#include <stdint.h>

#define MANIFEST_FORMAT           1
#define MANIFEST_SIZE_MAX         8192u
#define MANIFEST_TEXT_MAX         128u
#define MANIFEST_COMMAND_LINE_MAX 1024u

#define MANIFEST_KERNEL_NAME "vmlinux"
#define MANIFEST_AGENT_NAME  "agent"
#define MANIFEST_FILE_NAME   "manifest.json"

/* The kernel, the initramfs, the agent: bounds on what is accepted. */
#define MANIFEST_KERNEL_MAX    (UINT64_C(256) << 20)
#define MANIFEST_INITRAMFS_MAX (UINT64_C(512) << 20)
#define MANIFEST_AGENT_MAX     (UINT64_C(256) << 20)

struct manifest_file {
    char name[MANIFEST_TEXT_MAX]; /* in the image's folder */
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
};

struct manifest {
    struct manifest_file kernel, initramfs, agent;
    char kernel_package[MANIFEST_TEXT_MAX], kernel_version[MANIFEST_TEXT_MAX];
    char command_line[MANIFEST_COMMAND_LINE_MAX];
};

/* Parses and checks every field and the canonical form; ERROR_BAD_INPUT names the field. */
MUST_USE int manifest_parse(const char *json, size_t size, struct manifest *ret_manifest, struct error *err);

/* Appends the canonical bytes. ERROR_INTERNAL beyond the buffer's limit or without memory. */
MUST_USE int manifest_format(const struct manifest *manifest, struct buffer *buffer, struct error *err);

#endif
