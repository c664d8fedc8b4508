/* SPDX-License-Identifier: Apache-2.0 */
/* The device of a job that has one. */
#include "host/job/gpu.h"

#include "base/io.h"

#include <errno.h>
#include <stdio.h>

int gpu_claim(const struct job_options *options, struct passthrough **ret_passthrough, struct error *err)
{
    int r;

    if (options->gpu == NULL)
        return 0;
    if (options->isolation != VM_MICROVM)
        return error_set(err, ERROR_USAGE, -EINVAL, "--gpu: a device is passed through to a microVM only");
    r = passthrough_claim(options->gpu, ret_passthrough, err);
    if (r < 0 && err->kind == ERROR_UNAVAILABLE)
        err->kind = ERROR_GUEST;
    return r < 0 ? error_prefix(err, "--gpu") : 0;
}

bool gpu_was_clean(const struct passthrough_facts *facts)
{
    return facts->taken && facts->returned && facts->resets_failed == 0 && facts->resets_before > 0 &&
           facts->resets_after == facts->resets_before;
}

bool gpu_strayed(const struct passthrough_facts *facts, char ret_reason[ERROR_TEXT_MAX])
{
    if (facts->dma_faults == 0)
        return false;
    (void)snprintf(
        ret_reason, ERROR_TEXT_MAX,
        "the PCI device %s was kept from memory that is not the guest's, %u times or more: the guest, or its "
        "driver, is not to be trusted; the host's kernel log has the addresses",
        facts->device.name, facts->dma_faults);
    return true;
}

static json_t *companions(const struct passthrough_facts *facts)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < facts->companion_count; i++)
        (void)json_array_append_new(array, json_string(facts->companions[i]));
    return array;
}

/* As sysfs writes it: so many hexadecimal digits. */
static json_t *hexadecimal(unsigned digits, unsigned value)
{
    char text[16];

    (void)snprintf(text, sizeof text, "0x%0*x", (int)digits, value);
    return json_string(text);
}

static json_t *seconds(uint64_t ns)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%llu.%06llu", (unsigned long long)(ns / IO_NS_PER_S),
                   (unsigned long long)(ns % IO_NS_PER_S / 1000u));
    return json_string(text);
}

json_t *gpu_document(const struct passthrough_facts *facts)
{
    const struct pci_device *device = &facts->device;

    json_t *document = json_pack(
        "{s:s, s:o, s:o, s:o, s:i, s:o, s:s, s:s, s:i, s:i, s:i, s:o, s:b, s:b, s:s}", "address", device->name,
        "vendor", hexadecimal(4, device->vendor), "device", hexadecimal(4, device->device), "class",
        hexadecimal(6, device->class_code), "group", device->group, "companions", companions(facts), "driver",
        device->driver, "resetMethod", device->resets, "resetBefore", (int)facts->resets_before, "resetAfter",
        (int)facts->resets_after, "resetFailed", (int)facts->resets_failed, "resetSeconds", seconds(facts->reset_ns),
        "taken", (int)facts->taken, "driverReturned", (int)facts->returned, "trouble", facts->trouble);

    if (document != NULL && facts->faults_known)
        (void)json_object_set_new(document, "dmaFaults", json_integer((json_int_t)facts->dma_faults));
    return document;
}
