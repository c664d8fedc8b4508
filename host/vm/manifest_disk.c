/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a manifest that only the variant for a GPU has. */
#include "host/vm/manifest_disk.h"

#include "host/json/field.h"

#include <errno.h>
#include <string.h>

const char *const manifest_gpu_names[MANIFEST_GPU_COUNT + 1] = {"nvidia", "amd", "intel", NULL};

enum manifest_gpu manifest_gpu_of_vendor(uint16_t vendor)
{
    /* PCI-SIG's numbers, in the order of the names. */
    static const uint16_t vendors[MANIFEST_GPU_COUNT] = {0x10de, 0x1002, 0x8086};
    enum manifest_gpu gpu = MANIFEST_GPU_NVIDIA;

    while (gpu < MANIFEST_GPU_COUNT && vendors[gpu] != vendor)
        gpu++;
    return gpu;
}

static const char where[] = "manifest.json: disk";

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", where, what);
}

/* Sorted and each once, so that one set of packages has one spelling. */
static int read_packages(json_t *object, struct manifest_disk *disk, struct error *err)
{
    json_t *list = NULL;
    int r = field_array(object, where, "packages", &list, err);

    if (r < 0)
        return r;
    if (json_array_size(list) > MANIFEST_PACKAGES_MAX)
        return refuse(err, "packages: too many");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text == NULL || text[0] == '\0' || strlen(text) >= MANIFEST_TEXT_MAX || !manifest_is_plain(text))
            return refuse(err, "packages: must be texts of plain ASCII");
        if (i > 0 && strcmp(disk->packages[i - 1], text) >= 0)
            return refuse(err, "packages: must be sorted, each once");
        memcpy(disk->packages[i], text, strlen(text) + 1);
    }
    disk->package_count = (unsigned)json_array_size(list);
    return 0;
}

static int read_root_hash(json_t *object, struct manifest_disk *disk, struct error *err)
{
    const char *hex = NULL;
    int64_t blocks = 0;
    int r = field_integer(object, where, "blocks", 1, (int64_t)DISK_BLOCKS_MAX, &blocks, err);

    if (r == 0)
        r = field_string(object, where, "rootHash", SHA256_HEX_SIZE - 1, &hex, err);
    if (r == 0 && sha256_from_hex(hex, disk->argument.root) < 0)
        r = refuse(err, "rootHash: must be 64 lowercase hexadecimal digits");
    disk->argument.data_blocks = (uint64_t)blocks;
    return r;
}

int manifest_disk_read(json_t *root, struct manifest_disk *ret_disk, struct error *err)
{
    static const char *const keys[] = {"blocks", "gpu", "packages", "rootHash", "sha256", "size", NULL};
    json_t *object = NULL;
    unsigned gpu = 0;
    int r = field_object(root, "manifest.json", "disk", &object, err);

    if (r == 0)
        r = field_only(object, where, keys, err);
    if (r == 0)
        r = manifest_read_measure(object, where, MANIFEST_DISK_MAX, &ret_disk->file, err);
    if (r == 0)
        r = field_choice(object, where, "gpu", manifest_gpu_names, &gpu, err);
    if (r == 0)
        r = read_root_hash(object, ret_disk, err);
    if (r == 0)
        r = read_packages(object, ret_disk, err);
    ret_disk->gpu = (enum manifest_gpu)gpu;
    (void)strcpy(ret_disk->file.name, MANIFEST_DISK_NAME);
    return r;
}

int manifest_disk_check(const struct manifest *manifest, struct error *err)
{
    const struct manifest_disk *disk = &manifest->disk;
    uint64_t blocks = disk->argument.data_blocks;
    struct disk_argument named;
    int r = disk_argument_find(manifest->command_line, strlen(manifest->command_line), &named);

    if (r == -ENOENT && !manifest_has_disk(manifest))
        return 0;
    if (r < 0 && r != -ENOENT)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "manifest.json: commandLine: " DISK_ARGUMENT " is not BLOCKS:ROOT, or stands there twice");
    if (r < 0 || !manifest_has_disk(manifest) || named.data_blocks != blocks ||
        memcmp(named.root, disk->argument.root, SHA256_SIZE) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "manifest.json: commandLine: names another disk than the image has");
    if (disk->file.size != (blocks + disk_argument_hash_blocks(blocks)) * DISK_BLOCK_SIZE)
        return refuse(err, "size: is not that of so many blocks and their hash tree");
    return 0;
}

int manifest_disk_write(const struct manifest_disk *disk, json_t *root)
{
    char root_hash[SHA256_HEX_SIZE], sha256[SHA256_HEX_SIZE];
    json_t *packages = json_array();

    sha256_to_hex(disk->argument.root, root_hash);
    sha256_to_hex(disk->file.sha256, sha256);
    for (unsigned i = 0; i < disk->package_count; i++)
        if (json_array_append_new(packages, json_string(disk->packages[i])) < 0) {
            json_decref(packages);
            return -ENOMEM;
        }
    return json_object_set_new(root, "disk",
                               json_pack("{s:I,s:s,s:o,s:s,s:s,s:I}", "blocks", (json_int_t)disk->argument.data_blocks,
                                         "gpu", manifest_gpu_names[disk->gpu], "packages", packages, "rootHash",
                                         root_hash, "sha256", sha256, "size", (json_int_t)disk->file.size)) < 0
               ? -ENOMEM
               : 0;
}
