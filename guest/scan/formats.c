/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats. */
#include "guest/scan/formats.h"

const struct scan_format *const scan_formats[] = {
    &scan_format_zip,
    &scan_format_tar,
    &scan_format_sevenzip,
    &scan_format_rar,
    &scan_format_onnx,
    &scan_format_tensorflow,
    &scan_format_tensorflow_text,
    &scan_format_tflite,
    &scan_format_coreml,
    &scan_format_gzip,
    &scan_format_bzip2,
    &scan_format_xz,
    &scan_format_lzma,
    &scan_format_lz4,
    &scan_format_zstd,
    &scan_format_zlib,
    &scan_format_zfile,
    &scan_format_torchscript,
    &scan_format_npy,
    &scan_format_gguf,
    &scan_format_safetensors,
    &scan_format_pickle,
    &scan_format_hdf5,
    &scan_format_keras,
    &scan_format_executable,
    &scan_format_json,
    &scan_format_xml,
    &scan_format_yaml,
    &scan_format_template,
    &scan_format_zeros,
    &scan_format_skops,
    &scan_format_plain, /* last: what is left over */
    NULL,
};
