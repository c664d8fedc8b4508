/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's version, from the capabilities that libvirt keeps. */
#include "host/vm/qemu_version.h"

#include "digest/sha256.h"
#include "host/vm/files.h"
#include "host/vm/host_facts.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPABILITIES_MAX ((size_t)1 << 20) /* 83 KB of QEMU 7.2 */
#define PROGRAM          "<emulator>" HOST_QEMU_PATH "</emulator>"
#define OPENING          "\n  <version>"
#define CLOSING          "</version>"

static int find(const char *text, uint32_t *ret_version)
{
    const char *place = strstr(text, PROGRAM) == NULL ? NULL : strstr(text, OPENING);
    unsigned long version;
    char *end;

    if (place == NULL || !isdigit((unsigned char)place[strlen(OPENING)]))
        return -EBADMSG;
    version = strtoul(place + strlen(OPENING), &end, 10);
    if (version == 0 || version > UINT32_MAX || strncmp(end, CLOSING, strlen(CLOSING)) != 0)
        return -EBADMSG;
    *ret_version = (uint32_t)version;
    return 0;
}

int qemu_version_kept(const char *folder, uint32_t *ret_version)
{
    CLEANUP_FREE char *text = malloc(CAPABILITIES_MAX);
    char path[PATH_MAX], name[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];
    int r;

    if (text == NULL)
        return -ENOMEM;
    sha256_of(HOST_QEMU_PATH, strlen(HOST_QEMU_PATH), digest);
    sha256_to_hex(digest, name);
    if (snprintf(path, sizeof path, "%s/%s.xml", folder, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    r = files_read_text(path, text, CAPABILITIES_MAX, NULL);
    return r < 0 ? r : find(text, ret_version);
}
