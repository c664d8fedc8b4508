/* SPDX-License-Identifier: Apache-2.0 */
/* The read-only disk: verified, mounted, entered. */
#include "guest/init/disk.h"

#include "base/io.h"
#include "guest/init/gpu_nodes.h"
#include "guest/init/init.h"
#include "guest/init/verity_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define COMMAND_LINE     "/proc/cmdline"
#define MAPPER           "/dev/mapper/control"
#define MAPPED_NAME      "lazaret"
#define SECTORS_IN_BLOCK (DISK_BLOCK_SIZE / 512u)
#define NAME_SIZE        32u /* of a block device */
#define PATH_SIZE        128u
#define LIBRARY_PATH_MAX 4096u

static int failed(struct error *err, const char *what)
{
    return error_set(err, ERROR_INTERNAL, -errno, "the image's disk: %s: %s", what, strerror(errno));
}

/* The first entry of a folder that begins so, into ret_name. */
static bool find_entry(const char *folder, const char *beginning, char ret_name[NAME_SIZE])
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    bool found = false;

    while (entries != NULL && !found && (entry = readdir(entries)) != NULL)
        if (strncmp(entry->d_name, beginning, strlen(beginning)) == 0 && strlen(entry->d_name) < NAME_SIZE) {
            (void)strcpy(ret_name, entry->d_name);
            found = true;
        }
    if (entries != NULL)
        (void)closedir(entries);
    return found;
}

/* The disk's block device: the one at the place that the host gives it (host/vm/domain.c), whatever others there are.
 */
static int find_device(char ret_path[PATH_SIZE], struct error *err)
{
    char folder[PATH_SIZE], virtio[NAME_SIZE], name[NAME_SIZE];

    if (!find_entry(INIT_DISK_DEVICE, "virtio", virtio))
        return error_set(err, ERROR_INTERNAL, -ENODEV,
                         "the image's disk: the command line names one, and there is none at " INIT_DISK_DEVICE);
    (void)snprintf(folder, sizeof folder, INIT_DISK_DEVICE "/%s/block", virtio);
    if (!find_entry(folder, "vd", name))
        return error_set(err, ERROR_INTERNAL, -ENODEV, "the image's disk: no block device in %s", folder);
    (void)snprintf(ret_path, PATH_SIZE, "/dev/%s", name);
    return 0;
}

/* An ioctl's argument: the head that all share, and room for one target with its parameters. */
struct request {
    struct dm_ioctl head;
    struct dm_target_spec target;
    char parameters[VERITY_TABLE_SIZE];
};

_Static_assert(sizeof(struct request) % 8 == 0 &&
                   offsetof(struct request, parameters) == sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec),
               "parameters follow their target");

static void start_request(struct request *request, uint32_t flags)
{
    memset(request, 0, sizeof *request);
    request->head.version[0] = DM_VERSION_MAJOR;
    request->head.data_size = sizeof *request;
    request->head.data_start = offsetof(struct request, target);
    request->head.flags = flags;
    (void)strcpy(request->head.name, MAPPED_NAME);
}

/* Three calls: a device, its table, and the table put to use. */
static int map_verified(const struct disk_argument *argument, const char *device, char ret_path[PATH_SIZE],
                        struct error *err)
{
    struct request request;
    uint64_t number;
    CLEANUP_FD int mapper = open(MAPPER, O_RDWR | O_CLOEXEC);

    if (mapper < 0)
        return failed(err, MAPPER);
    start_request(&request, DM_READONLY_FLAG);
    if (ioctl(mapper, DM_DEV_CREATE, &request) < 0)
        return failed(err, "a mapped device");
    number = request.head.dev;
    start_request(&request, DM_READONLY_FLAG);
    request.head.target_count = 1;
    request.target.length = argument->data_blocks * SECTORS_IN_BLOCK;
    request.target.next = sizeof request.target + sizeof request.parameters;
    (void)strcpy(request.target.target_type, "verity");
    if (verity_table_format(argument, device, request.parameters) < 0)
        return error_set(err, ERROR_INTERNAL, -EFBIG, "the image's disk: %s: too long a name", device);
    if (ioctl(mapper, DM_TABLE_LOAD, &request) < 0)
        return failed(err, "its verification (is it as long as the command line says?)");
    start_request(&request, 0); /* not DM_SUSPEND_FLAG: resume, which takes the new table */
    if (ioctl(mapper, DM_DEV_SUSPEND, &request) < 0)
        return failed(err, "the start of its verification");
    (void)snprintf(ret_path, PATH_SIZE, "/dev/dm-%u", minor((dev_t)number));
    return 0;
}

/* What a driver compiles, and may run, which it may not from /tmp. */
static int mount_cache(struct error *err)
{
    if (mount("tmpfs", DISK_FOLDER DISK_CACHE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=25%") < 0)
        return failed(err, DISK_FOLDER DISK_CACHE);
    return 0;
}

/* What the initramfs has mounted goes along. */
static int move_mounts(struct error *err)
{
    static const char *const mounts[] = {"/dev", "/proc", "/sys", "/tmp"};

    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        char target[PATH_SIZE];

        (void)snprintf(target, sizeof target, DISK_FOLDER "%s", mounts[i]);
        if (mount(mounts[i], target, NULL, MS_MOVE, NULL) < 0)
            return failed(err, mounts[i]);
    }
    return 0;
}

/* Its first line, as the value of an environment variable. */
static int read_library_path(char ret_variable[LIBRARY_PATH_MAX], struct error *err)
{
    static const char variable[] = "LD_LIBRARY_PATH=";
    CLEANUP_FD int fd = open(DISK_LIBRARY_PATH, O_RDONLY | O_CLOEXEC);
    size_t used = strlen(variable);
    ssize_t size;

    memcpy(ret_variable, variable, used);
    size = fd < 0 ? -1 : read(fd, ret_variable + used, LIBRARY_PATH_MAX - used - 1);
    if (size < 0)
        return failed(err, DISK_LIBRARY_PATH);
    ret_variable[used + (size_t)size] = '\0';
    ret_variable[strcspn(ret_variable, "\n")] = '\0';
    return 0;
}

static int run_agent(struct error *err)
{
    char libraries[LIBRARY_PATH_MAX];
    char *const arguments[] = {DISK_AGENT, DISK_ARGUMENT_ENTERED, NULL};
    char *const environment[] = {libraries, NULL};
    int r = read_library_path(libraries, err);

    if (r < 0)
        return r;
    (void)execve(DISK_AGENT, arguments, environment);
    return failed(err, DISK_AGENT);
}

static int find_argument(struct disk_argument *ret_argument, struct error *err)
{
    char line[DISK_COMMAND_LINE_MAX];
    CLEANUP_FD int fd = open(COMMAND_LINE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -errno : io_pread_full(fd, line, sizeof line, 0);
    int r = size < 0 ? (int)size : disk_argument_find(line, (size_t)size, ret_argument);

    if (r < 0 && r != -ENOENT)
        (void)error_set(err, ERROR_INTERNAL, r, "the image's disk: " COMMAND_LINE ": " DISK_ARGUMENT ": %s",
                        strerror(-r));
    return r;
}

int disk_enter(struct error *err)
{
    char device[PATH_SIZE], mapped[PATH_SIZE];
    struct disk_argument argument;
    int r = find_argument(&argument, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = find_device(device, err);
    if (r == 0)
        r = map_verified(&argument, device, mapped, err);
    if (r < 0)
        return r;
    if (mount(mapped, DISK_FOLDER, "squashfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
        return failed(err, mapped);
    r = mount_cache(err);
    if (r == 0)
        r = move_mounts(err);
    if (r < 0)
        return r;
    if (chdir(DISK_FOLDER) < 0 || chroot(".") < 0)
        return failed(err, DISK_FOLDER);
    return run_agent(err);
}

/* The nodes are for the driver's user, who is one of many to the kernel and the only one here. */
int disk_prepare(struct error *err)
{
    int r = gpu_is_there() ? init_load_drivers(err) : 0;

    return r < 0 ? r : gpu_open_nodes(err);
}
