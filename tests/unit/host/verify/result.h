/* SPDX-License-Identifier: Apache-2.0 */
/* A complete signed output directory, made the way an evaluation makes one. */
#ifndef LAZARET_TESTS_UNIT_HOST_VERIFY_RESULT_H
#define LAZARET_TESTS_UNIT_HOST_VERIFY_RESULT_H

#include "base/error.h"

/*
 * Into an existing folder: key.pem, key.pub.pem, model.onnx and out/ with the bundle and its files.
 * The evaluation's figures are those of the clean digits model under tests/fixtures/policies/three-checks.yaml.
 */
MUST_USE int result_make(const char *folder, struct error *err);

/* Removes what result_make() made, and the folder. */
void result_remove(const char *folder);

#endif
