/* SPDX-License-Identifier: Apache-2.0 */
/* Which guest image a job takes that computes on an OpenCL device. */
#ifndef LAZARET_HOST_JOB_GPU_IMAGE_H
#define LAZARET_HOST_JOB_GPU_IMAGE_H

#include "base/error.h"
#include "host/vm/image.h"

/*
 * The default image for the vendor of the GPU at PCI address `gpu`, below the folder `sysfs` is open on (/sys). With
 * `gpu` NULL, which is for drivers that need no card: the one image with a driver that there is. Where the address
 * names no GPU the plain default image, as the job goes on to be refused for that (gpu_claim), with its reason.
 *
 * ERROR_USAGE: no PCI address, or none given and several images; ERROR_NO_INPUT: there is no such image, with the
 * command that makes one; ERROR_UNAVAILABLE: a vendor for whose GPUs there is none.
 */
MUST_USE int gpu_image_open(int sysfs, const char *gpu, struct image **ret_image, struct error *err);

/* The same for this machine. */
MUST_USE int gpu_image_open_here(const char *gpu, struct image **ret_image, struct error *err);

#endif
