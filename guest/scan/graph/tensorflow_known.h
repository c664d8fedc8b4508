/* SPDX-License-Identifier: Apache-2.0 */
/* Operators of TensorFlow whose effects stay within the graph. */
#ifndef LAZARET_GUEST_SCAN_TENSORFLOW_KNOWN_H
#define LAZARET_GUEST_SCAN_TENSORFLOW_KNOWN_H

#include <stddef.h>

/* Names without a version at their end and without "Grad", in the order of their bytes. */
extern const char *const tensorflow_known[];
extern const size_t tensorflow_known_count;

/* What the names of whole families begin with, of TensorFlow and of the packages that models often need. */
extern const char *const tensorflow_families[];
extern const size_t tensorflow_family_count;

#endif
