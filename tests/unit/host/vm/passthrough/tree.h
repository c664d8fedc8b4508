/* SPDX-License-Identifier: Apache-2.0 */
/* A machine in a folder: /sys, /proc and /dev with the devices that a test puts there. */
#ifndef LAZARET_TESTS_UNIT_HOST_VM_PASSTHROUGH_TREE_H
#define LAZARET_TESTS_UNIT_HOST_VM_PASSTHROUGH_TREE_H

#include "host/vm/passthrough/check.h"

#include "unit/harness.h"

#include <limits.h>

struct tree {
    char path[PATH_MAX];
    struct check_places places;
};

/* A device as sysfs shows it; NULL leaves an attribute out. */
struct tree_device {
    const char *address, *vendor, *device, *class_code;
    int group; /* PCI_NO_GROUP: none */
    const char *driver, *resets, *boot_vga;
    unsigned char header_type;
};

void tree_make(struct tree *tree);
void tree_remove(struct tree *tree);

/* Below the tree's sys. */
void tree_write(const struct tree *tree, const char *path, const char *text, size_t size);
void tree_text(const struct tree *tree, const char *path, const char *text);
void tree_link(const struct tree *tree, const char *path, const char *target);
void tree_drop(const struct tree *tree, const char *path);
void tree_read(const struct tree *tree, const char *path, char ret_text[256]);

void tree_add(const struct tree *tree, const struct tree_device *device);

/* 0000:01:00.0, a display controller that is fit in every way; its group is 12. */
struct tree_device tree_gpu(void);

extern const struct harness_test devices_tests[], loan_tests[];
extern const size_t devices_test_count, loan_test_count;

#endif
