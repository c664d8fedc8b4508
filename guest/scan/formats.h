/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that the table holds, one line each; every one is defined in a file of its own. */
#ifndef LAZARET_GUEST_SCAN_FORMATS_H
#define LAZARET_GUEST_SCAN_FORMATS_H

#include "guest/scan/scan.h"

extern const struct scan_format scan_format_bzip2;
extern const struct scan_format scan_format_coreml;
extern const struct scan_format scan_format_executable;
extern const struct scan_format scan_format_ggml;
extern const struct scan_format scan_format_gguf;
extern const struct scan_format scan_format_gzip;
extern const struct scan_format scan_format_hdf5;
extern const struct scan_format scan_format_json;
extern const struct scan_format scan_format_keras;
extern const struct scan_format scan_format_lz4;
extern const struct scan_format scan_format_lzma;
extern const struct scan_format scan_format_media;
extern const struct scan_format scan_format_msgpack;
extern const struct scan_format scan_format_npy;
extern const struct scan_format scan_format_onnx;
extern const struct scan_format scan_format_pickle;
extern const struct scan_format scan_format_plain;
extern const struct scan_format scan_format_r;
extern const struct scan_format scan_format_rar;
extern const struct scan_format scan_format_safetensors;
extern const struct scan_format scan_format_sentencepiece;
extern const struct scan_format scan_format_sevenzip;
extern const struct scan_format scan_format_skops;
extern const struct scan_format scan_format_tar;
extern const struct scan_format scan_format_template;
extern const struct scan_format scan_format_tensorflow;
extern const struct scan_format scan_format_tensorflow_bundle;
extern const struct scan_format scan_format_tensorflow_text;
extern const struct scan_format scan_format_tflite;
extern const struct scan_format scan_format_torch7;
extern const struct scan_format scan_format_torchscript;
extern const struct scan_format scan_format_ubjson;
extern const struct scan_format scan_format_xml;
extern const struct scan_format scan_format_xz;
extern const struct scan_format scan_format_yaml;
extern const struct scan_format scan_format_zeros;
extern const struct scan_format scan_format_zfile;
extern const struct scan_format scan_format_zip;
extern const struct scan_format scan_format_zlib;
extern const struct scan_format scan_format_zstd;

#endif
