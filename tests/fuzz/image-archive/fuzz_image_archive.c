/* SPDX-License-Identifier: Apache-2.0 */
/* An exported image: whatever is accepted opens as an image of that name. */
#include "host/vm/image_store.h"
#include "host/vm/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A store that lives as long as this process. */
static char store[] = "/tmp/lazaret-fuzz-XXXXXX";

static void remove_store(void)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/images/default", store);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/images", store);
    (void)rmdir(path);
    (void)rmdir(store);
}

static void use_store(void)
{
    static int made;

    if (made++ == 0 && (mkdtemp(store) == NULL || setenv(STATE_VARIABLE, store, 1) < 0 || atexit(remove_store) != 0))
        abort();
}

static void remove_image(const char *digest)
{
    static const char *const names[] = {"vmlinux", "initramfs.cpio", "initramfs.cpio.lz4", "agent", "disk.img", "manifest.json"};
    char path[512];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/images/%s/%s", state_path(), digest, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/images/%s", state_path(), digest);
    if (rmdir(path) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
    CLEANUP_IMAGE struct image *image = NULL;
    char digest[SHA256_HEX_SIZE];

    use_store();
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0 ||
        image_store_import(fd, false, digest, NULL) < 0)
        return 0;
    if (image_open(digest, &image, NULL) < 0)
        abort();
    remove_image(digest);
    return 0;
}
