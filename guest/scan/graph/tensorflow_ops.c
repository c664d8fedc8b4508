/* SPDX-License-Identifier: Apache-2.0 */
/* Judgement of TensorFlow's operators by name. */
#include "guest/scan/graph/tensorflow_ops.h"

#include "guest/scan/graph/tensorflow_known.h"
#include "guest/scan/text/names.h"

#include <string.h>

#define NAME_SIZE_MAX 96u /* longer than any operator's */

struct special {
    const char *name; /* without "V2" and the like */
    enum tensorflow_op op;
};

/* Operators that do more than to compute. A version at the end of a name is taken off before they are looked up. */
static const struct special specials[] = {
    {"PyFunc", TENSORFLOW_OP_PYTHON},
    {"PyFuncStateless", TENSORFLOW_OP_PYTHON},
    {"EagerPyFunc", TENSORFLOW_OP_PYTHON},

    {"ReadFile", TENSORFLOW_OP_READS},
    {"MatchingFiles", TENSORFLOW_OP_READS},
    {"MatchingFilesDataset", TENSORFLOW_OP_READS},
    {"ExperimentalMatchingFilesDataset", TENSORFLOW_OP_READS},
    {"LoadAndRemapMatrix", TENSORFLOW_OP_READS},
    {"GenerateVocabRemapping", TENSORFLOW_OP_READS},
    {"TextLineDataset", TENSORFLOW_OP_READS},
    {"TFRecordDataset", TENSORFLOW_OP_READS},
    {"FixedLengthRecordDataset", TENSORFLOW_OP_READS},
    {"CSVDataset", TENSORFLOW_OP_READS},
    {"ExperimentalCSVDataset", TENSORFLOW_OP_READS},
    {"SqlDataset", TENSORFLOW_OP_READS},
    {"ExperimentalSqlDataset", TENSORFLOW_OP_READS},
    {"LMDBDataset", TENSORFLOW_OP_READS},
    {"ExperimentalLMDBDataset", TENSORFLOW_OP_READS},
    {"LoadDataset", TENSORFLOW_OP_READS},
    {"ListSnapshotChunksDataset", TENSORFLOW_OP_READS},
    {"SnapshotDatasetReader", TENSORFLOW_OP_READS},
    {"SnapshotChunkDataset", TENSORFLOW_OP_READS},
    {"WholeFileReader", TENSORFLOW_OP_READS},
    {"TextLineReader", TENSORFLOW_OP_READS},
    {"TFRecordReader", TENSORFLOW_OP_READS},
    {"FixedLengthRecordReader", TENSORFLOW_OP_READS},
    {"LMDBReader", TENSORFLOW_OP_READS},
    {"ImmutableConst", TENSORFLOW_OP_READS},
    {"Skipgram", TENSORFLOW_OP_READS},
    {"RecordInput", TENSORFLOW_OP_READS},
    {"TensorFlowReaderHandle", TENSORFLOW_OP_READS},

    {"WriteFile", TENSORFLOW_OP_WRITES},
    {"DatasetToTFRecord", TENSORFLOW_OP_WRITES},
    {"ExperimentalDatasetToTFRecord", TENSORFLOW_OP_WRITES},
    {"SaveDataset", TENSORFLOW_OP_WRITES},
    {"SnapshotDataset", TENSORFLOW_OP_WRITES},
    {"DistributedSave", TENSORFLOW_OP_WRITES},
    {"CreateSummaryFileWriter", TENSORFLOW_OP_WRITES},
    {"CreateSummaryDbWriter", TENSORFLOW_OP_WRITES},
    {"FileSystemSetConfiguration", TENSORFLOW_OP_WRITES},
    {"DumpDataset", TENSORFLOW_OP_WRITES},

    {"RpcCall", TENSORFLOW_OP_NETWORK},
    {"RpcClient", TENSORFLOW_OP_NETWORK},
    {"RpcServer", TENSORFLOW_OP_NETWORK},
    {"RpcServerRegister", TENSORFLOW_OP_NETWORK},
    {"RpcServerStart", TENSORFLOW_OP_NETWORK},
    {"RpcGetValue", TENSORFLOW_OP_NETWORK},
    {"RpcCheckStatus", TENSORFLOW_OP_NETWORK},
    {"Rpc", TENSORFLOW_OP_NETWORK},
    {"TryRpc", TENSORFLOW_OP_NETWORK},
    {"RemoteCall", TENSORFLOW_OP_NETWORK},
    {"RegisterDataset", TENSORFLOW_OP_NETWORK},
    {"DataServiceDataset", TENSORFLOW_OP_NETWORK},
    {"GcsConfigureBlockCache", TENSORFLOW_OP_NETWORK},
    {"GcsConfigureCredentials", TENSORFLOW_OP_NETWORK},
    {"BigQueryReader", TENSORFLOW_OP_NETWORK},

    {"TRTEngineOp", TENSORFLOW_OP_OPAQUE},
    {"CreateTRTResourceHandle", TENSORFLOW_OP_OPAQUE},
    {"InitializeTRTResource", TENSORFLOW_OP_OPAQUE},
    {"MlirPassthroughOp", TENSORFLOW_OP_OPAQUE},
    {"RemoteFusedGraphExecute", TENSORFLOW_OP_OPAQUE},
    {"XlaCustomCall", TENSORFLOW_OP_OPAQUE},
    {"_XlaRun", TENSORFLOW_OP_OPAQUE},
    {"EdgeTpuCustomOp", TENSORFLOW_OP_OPAQUE},

    {"DatasetFromGraph", TENSORFLOW_OP_GRAPH},

    {"DebugIdentity", TENSORFLOW_OP_DEBUG},
    {"DebugNanCount", TENSORFLOW_OP_DEBUG},
    {"DebugNumericSummary", TENSORFLOW_OP_DEBUG},

    {"Save", TENSORFLOW_OP_SAVE},
    {"SaveSlices", TENSORFLOW_OP_SAVE},
    {"Restore", TENSORFLOW_OP_RESTORE},
    {"RestoreSlice", TENSORFLOW_OP_RESTORE},
    {"MergeV2Checkpoints", TENSORFLOW_OP_MERGE},
    {"ShardedFilename", TENSORFLOW_OP_PATH},
    {"ShardedFilespec", TENSORFLOW_OP_PATH},
    {"StringJoin", TENSORFLOW_OP_PATH},
    {"StringFormat", TENSORFLOW_OP_PATH},
    {"ReduceJoin", TENSORFLOW_OP_PATH},
    {"AsString", TENSORFLOW_OP_PATH},
    {"Select", TENSORFLOW_OP_PATH},
    {"Identity", TENSORFLOW_OP_PATH},
    {"Pack", TENSORFLOW_OP_PATH},
    {"PlaceholderWithDefault", TENSORFLOW_OP_PATH},
    {"Substr", TENSORFLOW_OP_PATH},
    {"StringLower", TENSORFLOW_OP_PATH},
    {"StringStrip", TENSORFLOW_OP_PATH},
    {"DecodeBase64", TENSORFLOW_OP_PATH},

    {"InitializeTableFromTextFile", TENSORFLOW_OP_TABLE_FILE},
    {"InitializeTableFromDataset", TENSORFLOW_OP_TABLE},
    {"InitializeTable", TENSORFLOW_OP_TABLE},
    {"LookupTableImport", TENSORFLOW_OP_TABLE},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The size of a name without "V2", "v2" at its end. */
static size_t without_version(const char *name, size_t size)
{
    size_t stem = size;

    while (stem > 0 && is_digit(name[stem - 1]))
        stem--;
    if (stem == size || stem < 2 || (name[stem - 1] != 'V' && name[stem - 1] != 'v'))
        return size;
    return stem - 1;
}

static const struct special *find_special(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (strlen(specials[i].name) == size && memcmp(specials[i].name, name, size) == 0)
            return &specials[i];
    return NULL;
}

static bool is_known(const char *name, size_t size)
{
    size_t low = 0, high = tensorflow_known_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *known = tensorflow_known[middle];
        size_t known_size = strlen(known);
        int order = memcmp(name, known, size < known_size ? size : known_size);

        if (order == 0 && size == known_size)
            return true;
        if (order < 0 || (order == 0 && size < known_size))
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool ends_in(const char *name, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size > end_size && memcmp(name + size - end_size, end, end_size) == 0;
}

static bool is_of_family(const char *name, size_t size)
{
    for (size_t i = 0; i < tensorflow_family_count; i++) {
        size_t prefix = strlen(tensorflow_families[i]);

        if (size > prefix && memcmp(name, tensorflow_families[i], prefix) == 0)
            return true;
    }
    return false;
}

/* By itself, by the operator that it is the gradient of, or by its family. */
static bool computes(const char *name, size_t size, bool families)
{
    while (!is_known(name, size)) {
        if (families && is_of_family(name, size))
            return true;
        if (!ends_in(name, size, "Grad"))
            return false;
        size -= 4;
    }
    return true;
}

enum tensorflow_op tensorflow_op_of(const char *name, size_t size)
{
    const struct special *special;
    size_t stem = without_version(name, size);

    if (size == 0 || size > NAME_SIZE_MAX)
        return TENSORFLOW_OP_UNKNOWN;
    special = find_special(name, size);
    if (special == NULL)
        special = find_special(name, stem);
    if (special != NULL)
        return special->op;
    if (computes(name, size, false) || computes(name, stem, false))
        return TENSORFLOW_OP_COMPUTES;
    if (names_operator_reaches(name, size) != NULL)
        return TENSORFLOW_OP_REACHING;
    return computes(name, stem, true) ? TENSORFLOW_OP_COMPUTES : TENSORFLOW_OP_UNKNOWN;
}

bool tensorflow_op_is_own(const char *name, size_t size)
{
    size_t stem = without_version(name, size);

    return find_special(name, size) != NULL || find_special(name, stem) != NULL || computes(name, stem, false);
}
