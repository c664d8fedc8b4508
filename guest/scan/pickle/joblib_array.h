/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays within the pickles of joblib: where their bytes end.
 *
 * Source: joblib's numpy_pickle.py (0.10 and later). A NumpyArrayWrapper stands for an array; right behind the BUILD
 * that fills it, the loader reads the array from the stream: a byte that counts the padding and the padding, where the
 * wrapper has an alignment, then the items; or, for objects, another pickle. Earlier versions (numpy_pickle_compat.py)
 * keep the array in a file of its own, which the wrapper names.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_JOBLIB_ARRAY_H
#define LAZARET_GUEST_SCAN_PICKLE_JOBLIB_ARRAY_H

#include "guest/scan/pickle/judge.h"

/* For judge.built. An array whose end can't be told is a gap, and not skipped. */
MUST_USE int joblib_array_built(struct judge *judge, struct pickle_machine *machine, pickle_value target,
                                uint64_t offset, uint64_t *ret_skip, struct error *err);

/*
 * What other loaders than joblib's see of such a pickle: they take an array's bytes for opcodes. Only dangerous globals
 * become findings, as bytes of numbers may be any opcode.
 */
MUST_USE int joblib_array_unskipped(struct judge *judge, uint64_t offset, struct error *err);

#endif
