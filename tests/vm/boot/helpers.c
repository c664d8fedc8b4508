/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM tests share. */
#include "vm/boot/helpers.h"

#include "base/io.h"
#include "host/vm/files.h"
#include "host/vm/image_folder.h"
#include "host/vm/image_store.h"
#include "host/vm/state.h"
#include "host/vm/verity.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GONE_MS 20000 /* patience: it is gone in milliseconds, on a machine that is not starved */

void helper_path(const char *name, char ret_path[PATH_MAX])
{
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);

    program[size > 0 ? size : 0] = '\0';
    *strrchr(program, '/') = '\0';
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", program, name);
}

void helper_use_state(void)
{
    char path[PATH_MAX];

    helper_path("vm-state", path);
    (void)setenv(STATE_VARIABLE, path, 1);
}

struct image *helper_open_image(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct image *image = NULL;
    char agent[PATH_MAX], digest[SHA256_HEX_SIZE];
    struct image_build_options options = {.recipe = "images/build", .agent = agent};

    helper_path("echo-agent", agent);
    if (image_store_build(&options, digest, &error) < 0 || image_open(digest, &image, &error) < 0) {
        (void)printf("no image: %s\n", error.text);
        return NULL;
    }
    return image;
}

static int write_part(int folder_fd, struct manifest_file *file, const char *name, const char *text, struct error *err)
{
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    file->size = strlen(text);
    sha256_of(text, strlen(text), file->sha256);
    return files_write_new(folder_fd, name, text, strlen(text), err);
}

/* Three blocks: two of text, and their tree. */
static int write_disk(struct image_folder *folder, struct manifest *manifest, struct error *err)
{
    struct manifest_disk *disk = &manifest->disk;
    char argument[DISK_ARGUMENT_SIZE];
    CLEANUP_FD int fd = openat(folder->fd, MANIFEST_DISK_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || pwrite(fd, "no disk", 7, DISK_BLOCK_SIZE) != 7 ||
        verity_append(fd, MANIFEST_DISK_NAME, &disk->argument, err) < 0 ||
        sha256_of_fd(fd, disk->file.sha256, &disk->file.size) < 0)
        return -EIO;
    disk->gpu = MANIFEST_GPU_INTEL;
    (void)strcpy(disk->file.name, MANIFEST_DISK_NAME);
    disk_argument_format(&disk->argument, argument);
    (void)snprintf(manifest->command_line, sizeof(manifest->command_line), "- %s", argument);
    return 0;
}

static struct image *open_broken_image(bool with_disk)
{
    CLEANUP_IMAGE_FOLDER struct image_folder folder = {.images_fd = -1, .fd = -1};
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    struct manifest manifest = {.kernel_package = "none", .kernel_version = "0", .command_line = "-"};
    struct error error = {.kind = ERROR_NONE};
    char hex[SHA256_HEX_SIZE], name[IMAGE_NAME_MAX];
    struct image *image = NULL;
    uint8_t digest[SHA256_SIZE];

    if (image_folder_make(&folder, &error) < 0 ||
        write_part(folder.fd, &manifest.kernel, MANIFEST_KERNEL_NAME, "no kernel", &error) < 0 ||
        write_part(folder.fd, &manifest.initramfs, "initramfs.cpio", "no cpio", &error) < 0 ||
        write_part(folder.fd, &manifest.agent, MANIFEST_AGENT_NAME, "no agent", &error) < 0 ||
        (with_disk && write_disk(&folder, &manifest, &error) < 0) || manifest_format(&manifest, &json, &error) < 0 ||
        files_write_new(folder.fd, MANIFEST_FILE_NAME, json.data, json.size, &error) < 0)
        return NULL;
    sha256_of(json.data, json.size, digest);
    sha256_to_hex(digest, hex);
    image_default_name(&manifest, name);
    if (image_folder_publish(&folder, hex, name, false, &error) < 0 || image_open(hex, &image, &error) < 0)
        return NULL;
    return image;
}

struct image *helper_open_broken_image(void)
{
    return open_broken_image(false);
}

struct image *helper_open_disk_image(void)
{
    return open_broken_image(true);
}

/* The first process whose parent is `parent` and, if name is not NULL, that has this name; or 0. */
static pid_t child_of(pid_t parent, const char *name)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (folder != NULL && found == 0 && (entry = readdir(folder)) != NULL) {
        char path[64], text[512] = "", *start, *end;
        int parent_pid;
        FILE *file;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%.16s/stat", entry->d_name);
        file = fopen(path, "re");
        if (file == NULL)
            continue;
        start = fgets(text, sizeof(text), file) == NULL ? NULL : strchr(text, '(');
        end = strrchr(text, ')');
        (void)fclose(file);
        if (start == NULL || end == NULL || sscanf(end, ") %*c %d", &parent_pid) != 1 || parent_pid != parent)
            continue;
        *end = '\0';
        if (name == NULL || strcmp(start + 1, name) == 0)
            found = (pid_t)atoi(entry->d_name);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return found;
}

bool helper_kill_supervisor(void)
{
    pid_t supervisor = child_of(getpid(), "lazaret-job");

    return supervisor != 0 && kill(supervisor, SIGKILL) == 0;
}

bool helper_kill_inside(const char *name)
{
    pid_t supervisor = child_of(getpid(), "lazaret-job");
    pid_t wanted = supervisor == 0 ? 0 : child_of(supervisor, name);

    return wanted != 0 && kill(wanted, SIGKILL) == 0;
}

/* The first child of the monitor may be the acceleration probe, which shares our namespaces. */
static bool find_supervisor(pid_t monitor, struct proof_marks *ret_marks)
{
    struct proof_marks own;
    struct error error;
    bool found = false;

    if (proof_read_marks(getpid(), &own, &error) < 0)
        return false;
    for (int waited = 0; !found && waited < 5000; waited++) {
        pid_t child = child_of(monitor, NULL);

        if (child != 0 && proof_read_marks(child, ret_marks, &error) == 0) {
            found = ret_marks->pid_ns != own.pid_ns && ret_marks->mount_ns != own.mount_ns;
            if (!found)
                proof_release(ret_marks);
        }
        (void)poll(NULL, 0, found ? 0 : 1);
    }
    proof_release(&own);
    return found;
}

int helper_kill_monitor(void (*monitor)(const void *context), const void *context, int delay_ms)
{
    struct proof_marks marks;
    struct vm_proof proof;
    uint64_t killed;
    bool found;
    pid_t pid = fork();

    if (pid == 0) {
        monitor(context);
        _exit(0);
    }
    found = find_supervisor(pid, &marks);
    (void)poll(NULL, 0, delay_ms);
    (void)kill(pid, SIGKILL);
    killed = io_now_ns();
    (void)waitpid(pid, NULL, 0);
    if (!found)
        return -1;
    do {
        proof_check(&marks, true, 0, &proof);
        if (!proof_holds(&proof))
            (void)poll(NULL, 0, 5);
    } while (!proof_holds(&proof) && io_now_ns() - killed < GONE_MS * IO_NS_PER_MS);
    proof_release(&marks);
    if (proof_holds(&proof))
        return (int)((io_now_ns() - killed) / IO_NS_PER_MS);
    (void)printf("left behind: %s\n", proof.detail);
    return -1;
}
