/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be given back. */
#include "host/vm/passthrough/loan.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/lock.h"
#include "host/vm/passthrough/pci_driver.h"
#include "host/vm/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NONE      "-"
#define BOOT_WORD "boot"
#define BOOT_ID   "/proc/sys/kernel/random/boot_id"

/* The reaper of another job's start holds a dead one's record for as long as it takes to read it. */
#define LOCK_PATIENCE_MS 500u

static int fail(struct error *err, const char *name, const char *what, int r)
{
    return error_set(err, ERROR_UNAVAILABLE, r, "%s/" LOAN_FOLDER "/%s: %s: %s", state_path(), name, what,
                     strerror(-r));
}

static int in_use(const char *name, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -EBUSY,
                     "the PCI device %s is in use by another job; wait for its end, or name another device", name);
}

int loan_lock_group(int sysfs, const struct pci_device *device, int *ret_fd, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    CLEANUP_FD int fd = -1;
    int r;

    (void)snprintf(path, sizeof path, "kernel/iommu_groups/%d", device->group);
    fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = fd < 0 ? -errno : lock_take(fd, LOCK_PATIENCE_MS);
    if (r == -EWOULDBLOCK)
        return in_use(device->name, err);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "/sys/%s: can't lock it: %s", path, strerror(-r));
    *ret_fd = take_fd(&fd);
    return 0;
}

int loan_lock(int state_fd, const char *name, int *ret_fd, struct error *err)
{
    CLEANUP_FD int folder = -1, fd = -1;
    int r = state_open_folder(state_fd, LOAN_FOLDER, &folder, err);

    if (r < 0)
        return r;
    fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(err, name, "can't open it", -errno);
    r = lock_take(fd, LOCK_PATIENCE_MS);
    if (r < 0)
        return r == -EWOULDBLOCK ? in_use(name, err) : fail(err, name, "can't lock it", r);
    *ret_fd = take_fd(&fd);
    return 0;
}

int loan_read_boot(char ret_boot[LOAN_BOOT_SIZE], struct error *err)
{
    char boot[LOAN_BOOT_SIZE + 1]; /* with its newline, at first */
    int r = sysfs_read_text(AT_FDCWD, BOOT_ID, boot, sizeof boot);

    if (r == 0 && strlen(boot) != LOAN_BOOT_SIZE - 1)
        r = -EBADMSG;
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, BOOT_ID ": %s", strerror(-r));
    memcpy(ret_boot, boot, LOAN_BOOT_SIZE);
    return 0;
}

void loan_of_group(const struct pci_group *group, const char boot[LOAN_BOOT_SIZE], struct loan *ret_loan)
{
    *ret_loan = (struct loan){.count = group->count};
    memcpy(ret_loan->boot, boot, sizeof ret_loan->boot);
    for (unsigned i = 0; i < group->count; i++) {
        const struct pci_device *from = &group->functions[i];
        struct loan_function *to = &ret_loan->functions[i];

        memcpy(to->name, from->name, sizeof to->name);
        memcpy(to->driver, from->driver, sizeof to->driver);
        memcpy(to->override, from->override, sizeof to->override);
    }
}

/* ---- the file ------------------------------------------------------------------------------------ */

static const char *or_none(const char *name)
{
    return name[0] == '\0' ? NONE : name;
}

int loan_write(int fd, const struct loan *loan, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(LOAN_SIZE_MAX);
    int r = buffer_append_format(&text, BOOT_WORD " %s\n", loan->boot);

    for (unsigned i = 0; r == 0 && i < loan->count; i++) {
        const struct loan_function *function = &loan->functions[i];

        r = buffer_append_format(&text, "%s %s %s\n", function->name, or_none(function->driver),
                                 or_none(function->override));
    }
    if (r == 0 && (ftruncate(fd, 0) < 0 || pwrite(fd, text.data, text.size, 0) != (ssize_t)text.size || fsync(fd) < 0))
        r = errno != 0 ? -errno : -EIO;
    return r < 0 ? fail(err, loan->functions[0].name, "can't write it", r) : 0;
}

int loan_clear(int fd, struct error *err)
{
    return ftruncate(fd, 0) < 0 || fsync(fd) < 0 ? fail(err, "", "can't empty a record", -errno) : 0;
}

/* A word of at most `room` - 1 bytes, ended by `end`; moves past both. */
static bool read_word(const char **text, char end, char *ret_word, size_t room)
{
    const char *place = strchr(*text, end);
    size_t size = place == NULL ? 0 : (size_t)(place - *text);

    if (size == 0 || size >= room || memchr(*text, '/', size) != NULL)
        return false;
    memcpy(ret_word, *text, size);
    ret_word[size] = '\0';
    *text = place + 1;
    return true;
}

static bool read_boot_line(const char **text, char ret_boot[LOAN_BOOT_SIZE])
{
    char word[sizeof BOOT_WORD];

    return read_word(text, ' ', word, sizeof word) && strcmp(word, BOOT_WORD) == 0 &&
           read_word(text, '\n', ret_boot, LOAN_BOOT_SIZE);
}

static bool read_line(const char **text, struct loan_function *ret_function)
{
    struct pci_address address;

    if (!read_word(text, ' ', ret_function->name, sizeof ret_function->name) ||
        !read_word(text, ' ', ret_function->driver, sizeof ret_function->driver) ||
        !read_word(text, '\n', ret_function->override, sizeof ret_function->override) ||
        pci_address_parse(ret_function->name, &address) < 0)
        return false;
    if (strcmp(ret_function->driver, NONE) == 0)
        ret_function->driver[0] = '\0';
    if (strcmp(ret_function->override, NONE) == 0)
        ret_function->override[0] = '\0';
    return true;
}

int loan_read(int fd, struct loan *ret_loan, struct error *err)
{
    char text[LOAN_SIZE_MAX + 1], boot[LOAN_BOOT_SIZE];
    struct loan loan = {.count = 0};
    const char *place = text;
    ssize_t size = io_pread_full(fd, text, sizeof text, 0);
    int r;

    if (size < 0)
        return fail(err, "", "can't read a record", (int)size);
    if ((size_t)size == sizeof text || memchr(text, '\0', (size_t)size) != NULL)
        return fail(err, "", "a record is damaged", -EBADMSG);
    text[size] = '\0';
    if (size > 0 && !read_boot_line(&place, loan.boot))
        return fail(err, "", "a record is damaged", -EBADMSG);
    while (*place != '\0') {
        if (loan.count == PCI_FUNCTIONS_MAX || !read_line(&place, &loan.functions[loan.count]))
            return fail(err, "", "a record is damaged", -EBADMSG);
        loan.count++;
    }
    r = loan.count == 0 ? 0 : loan_read_boot(boot, err);
    if (r == 0 && loan.count > 0 && strcmp(boot, loan.boot) != 0) {
        r = loan_clear(fd, err);
        loan = (struct loan){.count = 0};
    }
    if (r == 0)
        *ret_loan = loan;
    return r;
}

/* ---- giving back --------------------------------------------------------------------------------- */

/* Keeps the first of several troubles. */
static int keep_first(int first, int next, const struct error *trouble, struct error *err)
{
    if (first < 0 || next == 0)
        return first;
    return error_set(err, trouble->kind, trouble->code, "%s", trouble->text);
}

static int reset(int sysfs, const char *name, struct error *err)
{
    struct pci_device device;
    struct pci_address address;
    int r = pci_address_parse(name, &address);

    if (r < 0)
        return fail(err, name, "not an address", r);
    r = pci_device_read(sysfs, &address, &device, err);
    /* One that its driver never let go of was no guest's, and is not to be reset under that driver. */
    return r < 0 || device.driver[0] != '\0' ? r : pci_driver_reset(sysfs, &device, err);
}

int loan_give_back(int sysfs, const struct loan *loan, struct error *err)
{
    struct error trouble = {0};
    int r = 0;

    if (loan->count == 0)
        return 0;
    for (unsigned i = 0; i < loan->count; i++)
        r = keep_first(r, pci_driver_unbind_guest(sysfs, loan->functions[i].name, &trouble), &trouble, err);
    if (r == 0)
        r = reset(sysfs, loan->functions[0].name, err);
    for (unsigned i = r == 0 ? 0 : 1; i < loan->count; i++) {
        const struct loan_function *function = &loan->functions[i];

        r = keep_first(r, pci_driver_return(sysfs, function->name, function->driver, function->override, &trouble),
                       &trouble, err);
    }
    return r;
}

/* Whether a living job has the group, by another of its functions. The group is locked where not, and where it is
 * there.
 */
static bool group_is_lent(int sysfs, const char *name, int *ret_fd)
{
    struct pci_device device;
    struct pci_address address;

    return pci_address_parse(name, &address) == 0 && pci_device_read(sysfs, &address, &device, NULL) == 0 &&
           device.group != PCI_NO_GROUP && loan_lock_group(sysfs, &device, ret_fd, NULL) == -EBUSY;
}

/* 1 where a dead job's device was given back, 0 where there was nothing to do. */
static int reap(int sysfs, int folder, const char *name, struct error *err)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP_FD int group_fd = -1;
    struct stat status;
    struct loan loan;
    int r;

    /* An empty one is not locked, if only for a moment: a job may be about to. */
    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    r = loan_read(fd, &loan, err);
    if (r < 0 || loan.count == 0)
        return r;
    if (group_is_lent(sysfs, loan.functions[0].name, &group_fd))
        return 0;
    r = loan_give_back(sysfs, &loan, err);
    if (r == 0)
        r = loan_clear(fd, err);
    return r < 0 ? r : 1;
}

int loan_reap(int sysfs, int state_fd, struct error *err)
{
    struct error trouble = {0};
    struct dirent *entry;
    int fd = openat(state_fd, LOAN_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = 0, first = 0;
    DIR *folder;

    if (fd < 0)
        return errno == ENOENT ? 0 : fail(err, "", "can't read it", -errno);
    folder = fdopendir(fd);
    if (folder == NULL) {
        (void)close(fd);
        return fail(err, "", "can't read it", -errno);
    }
    while ((entry = readdir(folder)) != NULL) {
        int r = entry->d_name[0] == '.' ? 0 : reap(sysfs, dirfd(folder), entry->d_name, &trouble);

        count += r > 0;
        first = keep_first(first, r < 0 ? r : 0, &trouble, err);
    }
    (void)closedir(folder);
    return first < 0 ? first : count;
}
