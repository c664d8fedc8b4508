/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a program needs to have a VM by libvirt: opens qemu:///embed, creates, destroys.
 *
 * usage: minimal-libvirt KERNEL INITRAMFS ROOT [same]
 *
 * ROOT, a folder that is made where it is not there, is the driver's root and keeps its capabilities from run to run,
 * as lazaret keeps them. The domain is lazaret's own, of the same code, but for the vsock device, which takes a process
 * of its own to serve, and for what a program that is not in a hurry does not say to libvirt (<qemu:capabilities>);
 * with "same", that is in it as well. The driver's configuration is lazaret's, too. The guest's CPU runs when it is
 * destroyed. Prints the CPU time of this process and of the children that it waited for, in seconds; QEMU, a daemon, is
 * none of them.
 */
#include "host/vm/domain.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char configuration[] = "user = \"+0\"\n"
                                    "group = \"+0\"\n"
                                    "dynamic_ownership = 0\n"
                                    "remember_owner = 0\n"
                                    "security_driver = \"none\"\n"
                                    "seccomp_sandbox = 1\n"
                                    "clear_emulator_capabilities = 1\n"
                                    "cgroup_controllers = [ ]\n"
                                    "namespaces = [ ]\n"
                                    "stdio_handler = \"file\"\n"
                                    "max_core = 0\n"
                                    "dump_guest_core = 0\n";

static int prepare(const char *root)
{
    char path[PATH_MAX];
    FILE *file;

    (void)mkdir(root, 0755);
    (void)snprintf(path, sizeof path, "%s/etc", root);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof path, "%s/etc/qemu.conf", root);
    file = fopen(path, "w");
    if (file == NULL || fputs(configuration, file) == EOF || fclose(file) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/console.%s", root, i == 0 ? "in" : "out");
        if (mkfifo(path, 0600) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

/* lazaret's domain without what needs the device's process; `same`: with all the rest. */
static char *make_domain(const char *kernel, const char *initramfs, const char *console, bool same)
{
    const struct domain_options options = {
        .name = "minimal",
        .acceleration = VM_ACCEL_TCG,
        .transport = VM_TRANSPORT_VHOST_USER,
        .vcpus = 1,
        .memory_mib = 256,
        .kernel = kernel,
        .initramfs = initramfs,
        .command_line = "console=ttyS0 quiet",
        .console = console,
        .vsock_socket = "/nowhere",
    };
    struct error error = {0};
    char *xml, *extra, *rest;

    if (domain_format_xml(&options, &xml, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return NULL;
    }
    extra = strstr(xml, "  <qemu:commandline>");
    rest = strstr(xml, "  <qemu:capabilities>");
    if (extra == NULL || rest == NULL)
        return NULL;
    if (same)
        memmove(extra, rest, strlen(rest) + 1);
    else
        memcpy(extra, "</domain>\n", sizeof "</domain>\n");
    return xml;
}

static void *run_events(void *nothing)
{
    while (virEventRunDefaultImpl() == 0)
        ;
    return nothing;
}

static double seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static int fail(const char *what)
{
    (void)fprintf(stderr, "minimal-libvirt: %s: %s\n", what, virGetLastErrorMessage());
    return 1;
}

int main(int argc, char **argv)
{
    struct rusage self, children;
    char uri[PATH_MAX], console[PATH_MAX], *xml;
    virConnectPtr connection;
    virDomainPtr domain;
    pthread_t thread;

    if (argc != 4 && (argc != 5 || strcmp(argv[4], "same") != 0)) {
        (void)fputs("usage: minimal-libvirt KERNEL INITRAMFS ROOT [same]\n", stderr);
        return 64;
    }
    (void)snprintf(uri, sizeof uri, "qemu:///embed?root=%s", argv[3]);
    (void)snprintf(console, sizeof console, "%s/console", argv[3]);
    xml = make_domain(argv[1], argv[2], console, argc == 5);
    if (prepare(argv[3]) < 0 || xml == NULL)
        return 1;
    if (virEventRegisterDefaultImpl() < 0 || pthread_create(&thread, NULL, run_events, NULL) != 0)
        return fail("event loop");
    connection = virConnectOpen(uri);
    if (connection == NULL)
        return fail(uri);
    domain = virDomainCreateXML(connection, xml, 0);
    if (domain == NULL)
        return fail("create");
    if (virDomainDestroy(domain) < 0)
        return fail("destroy");
    (void)virDomainFree(domain);
    (void)virConnectClose(connection);
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    (void)printf("%.6f\n", seconds(&self) + seconds(&children));
    return 0;
}
