/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's manifest: what it consists of and what was measured of it.
 *
 * Canonical JSON (host/json/canonical.h); the SHA-256 of its bytes is
 * the image's name:
 * {"agent":{"sha256":H,"size":N},"commandLine":S,"format":1,
 *  "initramfs":{"name":S,"sha256":H,"size":N},
 *  "kernel":{"package":S,"sha256":H,"size":N,"version":S}}
 *
 * The variant for a GPU has "format":2 and besides, for its read-only disk, on which the agent and the vendor's driver
 * are (boot/disk_argument.h, which stands in the command line with the same root):
 *  "disk":{"blocks":N,"gpu":S,"packages":["NAME VERSION", …],"rootHash":H,"sha256":H,"size":N}
 */
#ifndef LAZARET_HOST_VM_MANIFEST_H
#define LAZARET_HOST_VM_MANIFEST_H

#include "base/buffer.h"
#include "base/error.h"
#include "boot/disk_argument.h"
#include "digest/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_FORMAT           1
#define MANIFEST_FORMAT_DISK      2
#define MANIFEST_SIZE_MAX         32768u
#define MANIFEST_TEXT_MAX         128u
#define MANIFEST_PACKAGES_MAX     128u
#define MANIFEST_COMMAND_LINE_MAX 1024u

#define MANIFEST_KERNEL_NAME "vmlinux"
#define MANIFEST_AGENT_NAME  "agent"
#define MANIFEST_DISK_NAME   "disk.img"
#define MANIFEST_FILE_NAME   "manifest.json"

/* The kernel, the initramfs, the agent: bounds on what is accepted. */
#define MANIFEST_KERNEL_MAX    (UINT64_C(256) << 20)
#define MANIFEST_INITRAMFS_MAX (UINT64_C(512) << 20)
#define MANIFEST_AGENT_MAX     (UINT64_C(256) << 20)

/* Whose GPUs an image's driver is for; the order of manifest_gpu_names. */
enum manifest_gpu { MANIFEST_GPU_NVIDIA, MANIFEST_GPU_AMD, MANIFEST_GPU_INTEL, MANIFEST_GPU_COUNT };
extern const char *const manifest_gpu_names[MANIFEST_GPU_COUNT + 1]; /* nvidia, amd, intel */

/* By a PCI vendor's number; MANIFEST_GPU_COUNT for any other. */
enum manifest_gpu manifest_gpu_of_vendor(uint16_t vendor);

struct manifest_file {
    char name[MANIFEST_TEXT_MAX]; /* in the image's folder */
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
};

struct manifest_disk {
    struct manifest_file file; /* of size 0: the image has no disk */
    enum manifest_gpu gpu;
    struct disk_argument argument;
    unsigned package_count;
    char packages[MANIFEST_PACKAGES_MAX][MANIFEST_TEXT_MAX]; /* "NAME VERSION", in byte order */
};

struct manifest {
    struct manifest_file kernel, initramfs, agent;
    char kernel_package[MANIFEST_TEXT_MAX], kernel_version[MANIFEST_TEXT_MAX];
    char command_line[MANIFEST_COMMAND_LINE_MAX];
    struct manifest_disk disk;
};

static inline bool manifest_has_disk(const struct manifest *manifest)
{
    return manifest->disk.file.size > 0;
}

/* Parses and checks every field and the canonical form; ERROR_BAD_INPUT names the field. */
MUST_USE int manifest_parse(const char *json, size_t size, struct manifest *ret_manifest, struct error *err);

/* Appends the canonical bytes. ERROR_INTERNAL beyond the buffer's limit or without memory. */
MUST_USE int manifest_format(const struct manifest *manifest, struct buffer *buffer, struct error *err);

#endif
