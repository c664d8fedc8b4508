/* SPDX-License-Identifier: Apache-2.0 */
/* The end of what half_begin.cl begins. */
#endif
