/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keras's configurations: what a model's JSON would have Keras import, call, unmarshal or open.
 *
 * They stand in config.json of a .keras file, in the attributes model_config and training_config of an HDF5 file, in
 * keras_metadata.pb of a SavedModel, and in files of their own (model.to_json). Whatever stands anywhere in one and has
 * a class_name is judged, as some class's from_config may come to deserialise it.
 */
#ifndef LAZARET_GUEST_SCAN_KERAS_H
#define LAZARET_GUEST_SCAN_KERAS_H

#include "guest/scan/scan.h"

/*
 * Scans the configuration that `source` holds from its first byte on, for a place where a loader reads one. Offsets of
 * findings, which are the object's, are those of the source plus `base`. Malformed JSON is a gap, 0.
 */
MUST_USE int keras_config_scan(struct scan *scan, const struct scan_object *object, struct source *source,
                               uint64_t base, struct error *err);

#endif
