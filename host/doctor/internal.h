/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's checks, and what they look at. Those of files (sysfs, procfs, dpkg's status) read below a root of the
 * caller's choice, so that tests show them good and bad machines; what only a running machine tells is in the facts.
 */
#ifndef LAZARET_HOST_DOCTOR_INTERNAL_H
#define LAZARET_HOST_DOCTOR_INTERNAL_H

#include "host/doctor/doctor.h"
#include "host/vm/manifest.h"

#include <stddef.h>
#include <stdint.h>

#define DOCTOR_LINE_MAX 4096u /* bytes of a line that is read whole; longer ones are cut */
#define DOCTOR_NAME_MAX 256u  /* of a folder's entry */

/* What no file tells. */
struct doctor_facts {
    bool root;                          /* runs as root */
    int landlock_abi;                   /* negative: none */
    bool clock_known;                   /* the kernel tells of its clock */
    bool clock_synced;                  /* and holds it for synchronised */
    uint64_t memlock;                   /* RLIMIT_MEMLOCK in bytes; UINT64_MAX: none */
    char qemu[128];                     /* its version line; "": it does not run */
    bool gpu_image[MANIFEST_GPU_COUNT]; /* there is a guest image with the driver of that vendor's GPUs */
};

struct doctor {
    const char *root; /* "": this machine's */
    struct doctor_facts facts;
    struct doctor_report *report;
};

/* --- saying what was found (report.c) ---------------------------------------------------------------------- */

/* Adds a finding; characters that a terminal would act on become '?'. The last place says that there were more. */
struct doctor_finding *doctor_say(struct doctor *d, const char *name, enum doctor_state state, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void doctor_advise(struct doctor_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends ", TEXT" to a list in `text`, the first without the comma; "…" where there is no more room. */
void doctor_list(char *text, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- looking below the root (root.c) ------------------------------------------------------------------------ */

bool doctor_exists(const struct doctor *d, const char *path);
bool doctor_writable(const struct doctor *d, const char *path);

/* The first line of a file, without its end; -errno. Never waits on a FIFO. */
MUST_USE int doctor_read_line(const struct doctor *d, const char *path, char *ret_line, size_t room);

/* Calls `take` for each line of a file, without its end, until it returns true; whether it did. */
typedef bool doctor_take_line(void *context, const char *line);
bool doctor_find_line(const struct doctor *d, const char *path, doctor_take_line *take, void *context);

/* The names of a folder's entries, sorted, at most `max`; 0 where there is none. */
size_t doctor_read_folder(const struct doctor *d, const char *path, char (*ret_names)[DOCTOR_NAME_MAX], size_t max);

/* The last part of what a link names; -errno. */
MUST_USE int doctor_read_link(const struct doctor *d, const char *path, char *ret_name, size_t room);

/* Whether the kernel has a module in use, or could load it (modules.dep, modules.builtin). */
enum doctor_module { DOCTOR_MODULE_ABSENT, DOCTOR_MODULE_THERE, DOCTOR_MODULE_LOADED };
enum doctor_module doctor_module_state(const struct doctor *d, const char *name);

/* --- the checks ---------------------------------------------------------------------------------------------- */

/* Of the running machine. */
void doctor_facts_gather(struct doctor_facts *ret_facts);
void doctor_check_acceleration(struct doctor *d);
void doctor_check_qemu(struct doctor *d);
void doctor_check_libvirt(struct doctor *d);
void doctor_check_image(struct doctor *d);
void doctor_check_state(struct doctor *d);
void doctor_check_available(struct doctor *d);
void doctor_check_namespaces(struct doctor *d);

/* Of files and facts. */
void doctor_check_nested(struct doctor *d);
void doctor_check_vsock(struct doctor *d);
void doctor_check_iommu(struct doctor *d);
void doctor_check_vfio(struct doctor *d);
void doctor_check_gpus(struct doctor *d);
void doctor_check_cgroups(struct doctor *d);
void doctor_check_mitigations(struct doctor *d);
void doctor_check_smt(struct doctor *d);
void doctor_check_swap(struct doctor *d);
void doctor_check_ksm(struct doctor *d);
void doctor_check_hugepages(struct doctor *d);
void doctor_check_memlock(struct doctor *d);
void doctor_check_apparmor(struct doctor *d);
void doctor_check_landlock(struct doctor *d);
void doctor_check_seccomp(struct doctor *d);
void doctor_check_user_namespaces(struct doctor *d);
void doctor_check_sysctls(struct doctor *d);
void doctor_check_dumps(struct doctor *d);
void doctor_check_clock(struct doctor *d);
void doctor_check_holes(struct doctor *d);

#endif
