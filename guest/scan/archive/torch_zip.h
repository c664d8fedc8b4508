/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's archives in zip: which member is what. The names are those of caffe2/serialize and torch.package; they
 * are compared without regard to case, as the reader's miniz does. A name says what torch would take a member for;
 * its content is looked at as any other's.
 */
#ifndef LAZARET_GUEST_SCAN_TORCH_ZIP_H
#define LAZARET_GUEST_SCAN_TORCH_ZIP_H

#include <stdbool.h>

/* A pickle that torch.load or torch.jit.load unpickles: data.pkl, constants.pkl, debug information. */
bool torch_zip_is_pickle(const char *name);
/* A tensor's bytes: …/data/N, …/constants/N. */
bool torch_zip_is_weights(const char *name);
/* TorchScript's code: …/code/….py. */
bool torch_zip_is_code(const char *name);

#endif
