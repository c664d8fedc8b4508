/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that Keras's configurations hold: those of its own classes and functions, and of modules that none needs.
 *
 * From the public API of Keras 1 to 3 (keras.io/api) and the index of Python's standard library.
 */
#include "guest/scan/keras_names.h"

#include "guest/scan/pickle/globals.h"

#include <string.h>

/* Layers and models that hold nothing but numbers and further objects: no code of the model's own, no file, no URL. */
static const char layers[] =
    "AWQConfig AWQDTypePolicy CLAHE CompileLoss CompileMetrics ContrastLimitedAdaptiveHistogramEqualization "
    "Float8QuantizationConfig GPTQConfig GPTQDTypePolicy GPTQQuantizer InputSpec Int4QuantizationConfig "
    "Int8QuantizationConfig MetricsList ReconstructPatches2D ReconstructPatches3D "
    "AbsMaxQuantizer Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D "
    "AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AddLoss "
    "AddMetric AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling "
    "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BaseDense "
    "BatchNormalization BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop "
    "Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM ConvLSTM1D "
    "ConvLSTM1DCell ConvLSTM2D ConvLSTM2DCell ConvLSTM3D ConvLSTM3DCell ConvLSTMCell ConvRNN2D Convolution1D "
    "Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose "
    "Cropping1D Cropping2D Cropping3D CuDNNGRU CuDNNLSTM CutMix DTypePolicy DTypePolicyMap Dense "
    "DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding "
    "EmbeddingV2 Equalization FeatureSpace Flatten FloatDTypePolicy Functional GRU GRUCell GRUCellV2 GRUV1 "
    "GRUV2 GaussianDropout GaussianNoise GetItem GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D "
    "GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization "
    "GroupQueryAttention GroupedQueryAttention HashedCrossing Hashing Highway Identity Input InputLayer "
    "IntegerLookup LSTM LSTMCell LSTMCellV2 LSTMV1 LSTMV2 Layer LayerNormalization LeakyReLU LinearModel "
    "LocallyConnected1D LocallyConnected2D Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D "
    "MaxPooling MaxPooling1D MaxPooling2D MaxPooling3D Maximum MaxoutDense MelSpectrogram Merge Minimum "
    "MixUp Model MultiHeadAttention Multiply Normalization PReLU Permute Pipeline Policy PolicyV1 "
    "QuantizationConfig QuantizedDTypePolicy QuantizedFloat8DTypePolicy Quantizer RMSNormalization RNN "
    "RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop "
    "RandomElasticTransform RandomErasing RandomFlip RandomFourierFeatures RandomGaussianBlur "
    "RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization "
    "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom "
    "ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SeedGenerator "
    "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SequenceFeatures "
    "Sequential SimpleRNN SimpleRNNCell SlicingOpLambda Softmax Solarization SpatialDropout SpatialDropout1D "
    "SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract "
    "SyncBatchNormalization TextVectorization ThresholdedReLU TimeDistributed TimeDistributedDense "
    "UnitNormalization UpSampling1D UpSampling2D UpSampling3D VocabWeightHandler WideDeepModel Wrapper "
    "ZeroPadding1D ZeroPadding2D ZeroPadding3D ";

static const char optimizers[] =
    "Adadelta Adafactor Adagrad Adam AdamOptimizer AdamW Adamax CosineDecay CosineDecayRestarts "
    "DynamicLossScale ExponentialDecay FixedLossScale Ftrl InverseTimeDecay Lamb LearningRateSchedule Lion "
    "LossScaleOptimizer LossScaleOptimizerV3 Muon Nadam Optimizer PiecewiseConstantDecay PolynomialDecay "
    "RMSProp RMSprop SGD TFOptimizer ";

static const char losses_and_metrics[] =
    "AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryFocalCrossentropy BinaryIoU CTC "
    "CategoricalAccuracy CategoricalCrossentropy CategoricalFocalCrossentropy "
    "CategoricalGeneralizedCrossEntropy CategoricalHinge Circle ConcordanceCorrelation CosineSimilarity Dice "
    "F1Score FBetaScore FalseNegatives FalsePositives Hinge Huber IoU KLDivergence LogCosh LogCoshError Loss "
    "LossFunctionWrapper Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper "
    "MeanRelativeError MeanSquaredError MeanSquaredLogarithmicError MeanTensor Metric OneHotIoU "
    "OneHotMeanIoU PearsonCorrelation Poisson Precision PrecisionAtRecall R2Score Recall RecallAtPrecision "
    "RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy "
    "SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum SumOverBatchSize "
    "SumOverBatchSizeMetricWrapper TopKCategoricalAccuracy TrueNegatives TruePositives Tversky ";

/* Initializers, regularizers, constraints, feature columns. */
static const char helpers[] =
    "BucketizedColumn ComputeHeNormal Constant ConstantV2 Constraint CrossedColumn EmbeddingColumn "
    "GlorotNormal GlorotNormalV2 GlorotUniform GlorotUniformV2 HashedCategoricalColumn HeNormal HeUniform "
    "IdentityCategoricalColumn IdentityInitializer IdentityV2 IndicatorColumn Initializer InitializerV2 L1 "
    "L1L2 L2 LecunNormal LecunUniform MaxNorm MinMaxNorm NonNeg NumericColumn Ones OnesV2 Orthogonal "
    "OrthogonalInitializer OrthogonalRegularizer OrthogonalV2 RadialConstraint RandomNormal RandomNormalV2 "
    "RandomUniform RandomUniformV2 Regularizer STFT STFTInitializer SequenceCategoricalColumn "
    "SequenceNumericColumn SharedEmbeddingColumn TruncatedNormal TruncatedNormalV2 UnitNorm VarianceScaling "
    "VarianceScalingV2 VocabularyListCategoricalColumn WeightedCategoricalColumn Zeros ZerosV2 ";

/* What stands for a plain value. */
static const char values[] =
    "__tuple__ __numpy__ __tensor__ __keras_tensor__ __bytes__ __ellipsis__ __slice__ __symbolic_tensor__ "
    "__dtype__ TensorShape TypeSpec CompositeTensor ";

/* Activations, losses, metrics, initializers by function. */
static const char functions[] =
    "acc accuracy binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy "
    "categorical_crossentropy categorical_focal_crossentropy categorical_generalized_cross_entropy "
    "categorical_hinge celu circle constant cosine_proximity cosine_similarity ctc dice elu exponential gelu "
    "glorot_normal glorot_uniform glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh he_normal "
    "he_uniform hinge huber huber_loss identity kl_divergence kld kullback_leibler_divergence l1 l1_l2 l2 "
    "leaky_relu lecun_normal lecun_uniform linear log_cosh log_sigmoid log_softmax logcosh mae mape max_norm "
    "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error "
    "mish mse msle non_neg normal ones orthogonal poisson random_normal random_uniform relu relu6 selu "
    "sigmoid silu soft_shrink softmax softplus softsign sparse_categorical_accuracy "
    "sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparse_top_k_categorical_accuracy sparsemax "
    "squared_hinge squareplus swish tanh tanh_shrink threshold top_k_categorical_accuracy truncated_normal "
    "tversky uniform unit_norm variance_scaling zeros ";

/* Modules of Python 2 and 3: no class or function of theirs is a layer, and many run code. */
static const char standard_modules[] =
    "BaseHTTPServer Queue SocketServer StringIO abc aifc antigravity anydbm argparse array ast asynchat "
    "asyncio asyncore atexit audioop base64 bdb binascii bisect builtins bz2 cPickle cProfile cStringIO "
    "calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys commands compileall compiler "
    "concurrent configparser contextlib contextvars copy copy_reg copyreg crypt csv ctypes curses "
    "dataclasses datetime dbhash dbm decimal difflib dis distutils doctest dummy_thread email encodings "
    "ensurepip enum errno exceptions faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools "
    "gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http httplib "
    "idlelib imaplib imghdr imp importlib imputil inspect io ipaddress itertools json keyword lib2to3 "
    "linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt "
    "multiprocessing netrc new nis nntplib nt ntpath nturl2path numbers opcode operator optparse os "
    "ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib popen2 poplib posix "
    "posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat pyrepl queue quopri "
    "random re readline reprlib resource rlcompleter runpy sched secrets select selectors sets shelve shlex "
    "shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants "
    "sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog "
    "tabnanny tarfile telnetlib tempfile termios test textwrap this thread threading time timeit tkinter "
    "token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata "
    "unittest urllib urllib2 urlparse user uu uuid venv warnings wave weakref webbrowser whichdb winreg "
    "winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo ";

/* Packages that are Keras. */
static const char keras_roots[] = "keras keras_core tf_keras ";

/* Parts of Keras that hold layers, losses and the like, and nothing that opens or runs what it is given. */
static const char keras_parts[] = "activations constraints dtype_policies engine initializers layers losses metrics "
                                  "mixed_precision models ops optimizers quantizers random regularizers ";

/* Functions of Keras and TensorFlow that act, wherever they are found. */
static const char acting[] =
    "enable_unsafe_deserialization get_file load_model load_weights save_model load_op_library load_library "
    "load_file_system_library func_load func_dump model_from_json model_from_config model_from_yaml "
    "deserialize_keras_object deserialize get_custom_objects register_keras_serializable read_file write_file "
    "py_func py_function numpy_function eager_py_func import_graph_def load_img save_img load_data "
    "image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory matching_files "
    "extract_archive _extract_archive get_vocabulary_from_file open rmtree makedirs import_module exec eval system ";

/* Parts of TensorFlow's API that act. */
static const char tensorflow_acting[] =
    "io raw_ops saved_model sysconfig load_op_library load_library py_function py_func numpy_function train data "
    "distribute lookup queue profiler tpu config autograph gfile compat keras.utils keras.models keras.saving "
    "keras.preprocessing python.ops.script_ops python.ops.gen_script_ops python.ops.io_ops python.ops.gen_io_ops "
    "python.lib python.platform python.framework.load_library python.eager python.saved_model python.training "
    "python.tools python.util python.client python.debug python.data python.distribute "
    "python.keras.utils python.keras.saving python.keras.models core tools lite ";

/* Parts of it that work on tensors alone. */
static const char tensorflow_harmless[] =
    "math nn linalg image signal strings sparse ragged bitwise random dtypes sets audio experimental.numpy "
    "__operators__ _api.v2.math _api.v2.nn python.framework.tensor_spec python.framework.tensor_shape "
    "python.ops.ragged python.framework.sparse_tensor python.framework.indexed_slices abs acos acosh add add_n argmax "
    "argmin argsort asin asinh atan atan2 atanh batch_to_space bitcast boolean_mask broadcast_to cast clip_by_norm "
    "clip_by_value complex concat convert_to_tensor cos cosh cumsum debugging.check_numerics divide einsum "
    "ensure_shape equal exp expand_dims eye fill floor gather gather_nd greater greater_equal group identity "
    "identity_n less less_equal linspace logical_and logical_not logical_or matmul maximum meshgrid minimum multiply "
    "negative no_op norm not_equal one_hot ones ones_like pad pow range rank realdiv reduce_all reduce_any "
    "reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse "
    "reverse_sequence roll round rsqrt saturate_cast scan scatter_nd searchsorted sequence_mask shape shape_n sigmoid "
    "sign sin sinh size slice sort space_to_batch space_to_depth depth_to_space split sqrt square squeeze stack "
    "stop_gradient strided_slice subtract tan tanh tensor_scatter_nd_add tensor_scatter_nd_update tensordot tile "
    "timestamp transpose truediv truncatediv unique unravel_index unstack where zeros zeros_like keras.activations "
    "keras.backend nest io.decode_base64 io.decode_compressed io.decode_gif io.decode_image io.decode_jpeg "
    "io.decode_json_example io.decode_png io.decode_raw io.encode_base64 io.is_jpeg io.parse_example "
    "io.parse_single_example "
    "io.parse_tensor io.serialize_tensor ";

/* Others' packages that run code, install or fetch. */
static const char acting_packages[] =
    "pip setuptools pkg_resources wheel ensurepip conda torch torchvision numpy scipy pandas joblib dill cloudpickle "
    "jsonpickle yaml requests httpx urllib3 aiohttp fabric paramiko invoke plumbum sh IPython jupyter notebook "
    "ipykernel jinja2 mako flask django tornado twisted celery ray dask numba cffi cython Cython pythoncom win32api "
    "win32com psutil pexpect boto3 botocore huggingface_hub datasets wandb mlflow hydra nltk sympy theano h5py ";

/* What builtins holds that is a plain type. */
static const char builtin_types[] =
    "bool bytes bytearray complex dict float frozenset int list NoneType object range set slice str tuple type "
    "function Ellipsis ";

static const char lookups[] = "IndexLookup IntegerLookup StringLookup TextVectorization ";

static bool is_word(struct keras_name name, const char *word)
{
    return name.bytes != NULL && name.size == strlen(word) && memcmp(name.bytes, word, name.size) == 0;
}

/* Whether the name is a word of the list, whose words end in a blank each. */
static bool is_in(struct keras_name name, const char *list)
{
    if (name.bytes == NULL || name.size == 0 || memchr(name.bytes, ' ', name.size) != NULL)
        return false;
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, " ");

        if (size == name.size && memcmp(at, name.bytes, size) == 0)
            return true;
        at += size + 1;
    }
    return false;
}

/* Whether the name is a word of the list, or stands below one: "math.add" below "math". */
static bool is_below(struct keras_name name, const char *list)
{
    for (size_t i = 1; i <= name.size; i++)
        if (i == name.size || name.bytes[i] == '.')
            if (is_in((struct keras_name){name.bytes, i}, list))
                return true;
    return false;
}

static struct keras_name cut_front(struct keras_name name, size_t size)
{
    return (struct keras_name){name.bytes + size, name.size - size};
}

/* The first part of a dotted name, and what is behind the dot. */
static struct keras_name split_root(struct keras_name name, struct keras_name *ret_rest)
{
    const char *dot = name.size > 0 ? memchr(name.bytes, '.', name.size) : NULL;
    size_t size = dot != NULL ? (size_t)(dot - name.bytes) : name.size;

    *ret_rest = dot != NULL ? cut_front(name, size + 1) : (struct keras_name){name.bytes + name.size, 0};
    return (struct keras_name){name.bytes, size};
}

static bool begins(struct keras_name name, const char *with)
{
    return name.size >= strlen(with) && memcmp(name.bytes, with, strlen(with)) == 0;
}

bool keras_is_identifier(struct keras_name name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.bytes[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return false;
    }
    return name.size > 0;
}

/* A name of Keras's own, of which something special is known. */
static enum keras_known judge_special(struct keras_name name, const char **ret_reason)
{
    static const struct {
        const char *name;
        enum keras_known known;
        const char *reason;
    } special[] = {
        {"Lambda", KERAS_LAMBDA, "calls any function"},
        {"__lambda__", KERAS_LAMBDA_CODE, "is a function's bytecode, unmarshalled when the model is loaded"},
        {"TFOpLambda", KERAS_OPERATOR, "calls a TensorFlow function by its name"},
        {"ClassMethod", KERAS_OPERATOR, "calls a TensorFlow class's method by its name"},
        {"InstanceMethod", KERAS_OPERATOR, "calls an object's method by its name"},
        {"InstanceProperty", KERAS_OPERATOR, "reads an object's property by its name"},
        {"TensorFlowOpLayer", KERAS_OPERATOR, "runs a TensorFlow operator by its name"},
        {"TFSMLayer", KERAS_LOADS, "loads a SavedModel from a path, with whatever operators it has"},
        {"TorchModuleWrapper", KERAS_LOADS, "unpickles a PyTorch module by torch.load"},
        {"__typespec__", KERAS_TYPE, "imports a module for a type"},
        {"function", KERAS_FUNCTION, "is a function by its name"},
    };

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (is_word(name, special[i].name)) {
            *ret_reason = special[i].reason;
            return special[i].known;
        }
    *ret_reason = "looks a vocabulary up";
    return is_in(name, lookups) ? KERAS_LOOKUP : KERAS_UNKNOWN;
}

static bool is_harmless(struct keras_name name, bool is_function)
{
    if (is_function && is_in(name, functions))
        return true;
    return is_in(name, layers) || is_in(name, optimizers) || is_in(name, losses_and_metrics) || is_in(name, helpers) ||
           is_in(name, values);
}

/* What stands in Keras itself, below `part` ("layers", "src.ops.numpy", "" for the top). */
static enum keras_known judge_own(struct keras_name part, struct keras_name name, bool is_function,
                                  const char **ret_reason)
{
    enum keras_known known;
    struct keras_name rest;

    if (is_word(part, "src") || is_word(part, "api") || begins(part, "src.") || begins(part, "api.")) {
        (void)split_root(part, &rest);
        part = rest;
        while (begins(part, "_v1.") || begins(part, "_v2.") || begins(part, "keras.") || begins(part, "v2."))
            (void)split_root(part, &part);
    }
    *ret_reason = "acts when it is called: reads, writes, fetches, or lifts the safe mode";
    if (is_in(name, acting))
        return KERAS_UNSAFE_CALL;
    if (part.size > 0 && !is_in(split_root(part, &rest), keras_parts)) {
        *ret_reason = "is of a part of Keras that has no layers, losses or the like";
        if (is_function || name.size == 0 || !(name.bytes[0] >= 'A' && name.bytes[0] <= 'Z'))
            return KERAS_UNSAFE_CALL;
    }
    known = judge_special(name, ret_reason);
    if (known != KERAS_UNKNOWN)
        return known;
    if (is_harmless(name, is_function) || is_in(split_root(part, &rest), "ops "))
        return KERAS_HARMLESS;
    return KERAS_UNKNOWN;
}

enum keras_known keras_judge_tensorflow(struct keras_name name, const char **ret_reason)
{
    struct keras_name last = name;

    if (begins(name, "tf."))
        name = cut_front(name, 3);
    if (begins(name, "compat.v1.") || begins(name, "compat.v2."))
        name = cut_front(name, 10); /* the same functions, of then and now */
    for (size_t i = 0; i < name.size; i++)
        if (name.bytes[i] == '.')
            last = cut_front(name, i + 1);
    *ret_reason = "acts when it is called: reads, writes, loads, or runs Python code";
    if (is_in(last, acting))
        return KERAS_UNSAFE_CALL;
    if (is_below(name, tensorflow_harmless))
        return KERAS_HARMLESS;
    return is_below(name, tensorflow_acting) ? KERAS_UNSAFE_CALL : KERAS_UNKNOWN;
}

/* tensorflow.MODULE's NAME: judged as the public name that the two make. */
static enum keras_known judge_tensorflow_module(struct keras_name part, struct keras_name name, const char **ret_reason)
{
    char whole[256];

    if (part.size + name.size + 2 > sizeof whole)
        return KERAS_UNKNOWN;
    memcpy(whole, part.bytes, part.size);
    whole[part.size] = '.';
    memcpy(whole + part.size + 1, name.bytes, name.size);
    if (part.size == 0)
        return keras_judge_tensorflow(name, ret_reason);
    return keras_judge_tensorflow((struct keras_name){whole, part.size + 1 + name.size}, ret_reason);
}

static enum keras_known judge_in_module(struct keras_name module, struct keras_name name, bool is_function,
                                        const char **ret_reason)
{
    struct keras_name rest, root = split_root(module, &rest);

    if (is_in(root, keras_roots))
        return judge_own(rest, name, is_function, ret_reason);
    if (is_word(root, "tensorflow")) {
        if (is_word(rest, "keras") || is_word(rest, "python.keras"))
            return judge_own((struct keras_name){"", 0}, name, is_function, ret_reason);
        if (begins(rest, "keras."))
            return judge_own(cut_front(rest, 6), name, is_function, ret_reason);
        if (begins(rest, "python.keras."))
            return judge_own(cut_front(rest, 13), name, is_function, ret_reason);
        return judge_tensorflow_module(rest, name, ret_reason);
    }
    if (is_word(module, "builtins") || is_word(module, "__builtin__")) {
        *ret_reason = "is a built-in function of Python";
        if (is_in(name, builtin_types) || (is_function && is_in(name, functions)))
            return KERAS_HARMLESS;
        return KERAS_UNKNOWN; /* how Keras writes somebody's own function; the acting ones are told before */
    }
    *ret_reason = "is of Python's own library, which has no layers";
    if (is_in(root, standard_modules) || (root.size > 0 && root.bytes[0] == '_' && !is_word(root, "__main__")))
        return KERAS_UNSAFE_MODULE;
    *ret_reason = "is of a package that has no layers, and runs or fetches things";
    if ((is_function || name.size == 0 || !(name.bytes[0] >= 'A' && name.bytes[0] <= 'Z')) &&
        is_in(root, acting_packages))
        return KERAS_UNSAFE_MODULE;
    if (name.bytes != NULL &&
        global_judge(module.bytes, module.size, name.bytes, name.size, ret_reason) == GLOBAL_DANGEROUS)
        return KERAS_UNSAFE_MODULE;
    return KERAS_UNKNOWN;
}

/* Functions of builtins that Keras has no namesake of; others (map, filter) may be somebody's own loss. */
static const char acting_builtins[] = "__import__ breakpoint compile delattr eval exec getattr globals help input "
                                      "locals memoryview open print setattr vars exit quit execfile file raw_input ";

enum keras_known keras_judge(struct keras_name module, struct keras_name name, bool is_function,
                             const char **ret_reason)
{
    const char *arrow = name.size > 0 ? memchr(name.bytes, '>', name.size) : NULL;

    if (is_word(module, "builtins") || is_word(module, "__builtin__")) {
        *ret_reason = "runs or reads what it is given";
        if (is_in(name, acting_builtins))
            return KERAS_UNSAFE_MODULE;
    }
    if (module.bytes != NULL && module.size > 0) {
        if (is_word(name, "function") && !is_function) {
            *ret_reason = "is a function by its name";
            return KERAS_FUNCTION; /* judged by the name that its config is */
        }
        return judge_in_module(module, name, is_function, ret_reason);
    }
    if (arrow != NULL) { /* registered, "Custom>Adam": TensorFlow 2.11 wrote its own optimizers so */
        struct keras_name package = {name.bytes, (size_t)(arrow - name.bytes)};
        enum keras_known known =
            judge_own((struct keras_name){"", 0}, cut_front(name, package.size + 1), is_function, ret_reason);

        if (known == KERAS_HARMLESS && !is_word(package, "Custom") && !is_in(package, keras_roots) &&
            !begins(package, "keras."))
            return KERAS_UNKNOWN;
        return known;
    }
    return judge_own((struct keras_name){"", 0}, name, is_function, ret_reason);
}
