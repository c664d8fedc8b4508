/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's files before 1.6 (torch.save with _use_new_zipfile_serialization=False): where their storages are.
 *
 * Source: torch/serialization.py, _legacy_save and _legacy_load. Five pickles follow each other: a magic number, the
 * version, facts of the machine, the object, the list of storage keys. Then comes each key's storage: how many items,
 * eight bytes, and the items. Their type is in the persistent ids of the object:
 * ("storage", class, key, location, count, view).
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_TORCH_LEGACY_H
#define LAZARET_GUEST_SCAN_PICKLE_TORCH_LEGACY_H

#include "guest/scan/scan.h"

#define TORCH_LEGACY_STORAGES_MAX 65536u

/* Whether the first pickle is the magic number: such a file is what a tensor holds of itself in other pickles. */
bool torch_legacy_is(struct source *source);

/*
 * Where the storages of a file that begins with the magic number's pickle begin and end: both are 0 where it does not,
 * or where what the pickles say does not fit the bytes.
 */
MUST_USE int torch_legacy_storages(struct scan *scan, struct source *source, uint64_t *ret_begin, uint64_t *ret_end,
                                   struct error *err);

#endif
