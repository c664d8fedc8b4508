/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch: modules, optimisers, tensors and how they are rebuilt. */
#include "guest/scan/pickle/globals_table.h"

/*
 * Layers and containers. They are made without __init__ and given their attributes; what __setstate__ they have fills
 * in attributes of older versions.
 */
static const struct global_module modules[] = {
    {"torch.nn.attention", "SDPBackend"},
    {"torch.nn.modules._functions", "BackwardHookFunction CrossMapLRN2d SyncBatchNorm"},
    {"torch.nn.modules.activation",
     "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish "
     "MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink "
     "Softsign Tanh Tanhshrink Threshold"},
    {"torch.nn.modules.adaptive", "AdaptiveLogSoftmaxWithLoss"},
    {"torch.nn.modules.batchnorm",
     "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d SyncBatchNorm _BatchNorm "
     "_LazyNormBase _NormBase"},
    {"torch.nn.modules.channelshuffle", "ChannelShuffle"},
    {"torch.nn.modules.container", "Container ModuleDict ModuleList ParameterDict ParameterList Sequential"},
    {"torch.nn.modules.conv",
     "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
     "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d _ConvNd _ConvTransposeMixin _ConvTransposeNd "
     "_LazyConvXdMixin"},
    {"torch.nn.modules.distance", "CosineSimilarity PairwiseDistance"},
    {"torch.nn.modules.dropout", "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout _DropoutNd"},
    {"torch.nn.modules.flatten", "Flatten Unflatten"},
    {"torch.nn.modules.fold", "Fold Unfold"},
    {"torch.nn.modules.instancenorm",
     "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
     "_InstanceNorm"},
    {"torch.nn.modules.lazy", "LazyModuleMixin _LazyProtocol"},
    {"torch.nn.modules.linear", "Bilinear Identity LazyLinear Linear NonDynamicallyQuantizableLinear"},
    {"torch.nn.modules.loss",
     "BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
     "HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
     "MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss "
     "TripletMarginWithDistanceLoss _Loss _WeightedLoss"},
    {"torch.nn.modules.module", "Module _IncompatibleKeys _WrappedHook"},
    {"torch.nn.modules.normalization", "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm"},
    {"torch.nn.modules.padding",
     "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d "
     "ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d "
     "ZeroPad3d _ConstantPadNd _ReflectionPadNd _ReplicationPadNd"},
    {"torch.nn.modules.pixelshuffle", "PixelShuffle PixelUnshuffle"},
    {"torch.nn.modules.pooling",
     "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
     "AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d MaxPool1d MaxPool2d "
     "MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d _AdaptiveAvgPoolNd _AdaptiveMaxPoolNd _AvgPoolNd _LPPoolNd "
     "_MaxPoolNd _MaxUnpoolNd"},
    {"torch.nn.modules.rnn", "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase"},
    {"torch.nn.modules.sparse", "Embedding EmbeddingBag"},
    {"torch.nn.modules.transformer",
     "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer"},
    {"torch.nn.modules.upsampling", "Upsample UpsamplingBilinear2d UpsamplingNearest2d"},
    {"torch.nn.parallel.data_parallel", "DataParallel"},
    {"torch.nn.parallel.distributed",
     "DistributedDataParallel _BufferCommHook _BufferCommHookLocation _DDPJoinHook _DDPSink"},
    {"torch.nn.parameter", "Buffer Parameter UninitializedTensorMixin _ParameterMeta"},
    {"torch.nn.utils.parametrizations", "_OrthMaps _Orthogonal _SpectralNorm"},
    {"torch.nn.utils.parametrize", "ParametrizationList"},
    {"torch.nn.utils.prune",
     "BasePruningMethod CustomFromMask Identity L1Unstructured LnStructured PruningContainer RandomStructured "
     "RandomUnstructured"},
    {"torch.nn.utils.rnn", "PackedSequence"},
    {"torch.nn.utils.spectral_norm", "SpectralNorm SpectralNormLoadStateDictPreHook SpectralNormStateDictHook"},
    {"torch.nn.utils.weight_norm", "WeightNorm"},
    {"torch.utils.hooks", "RemovableHandle"},
};

/* Parameters of lazy layers, whose shapes are not known yet: pickled as calls with requires_grad. */
static const struct global_module lazy[] = {
    {"torch.nn.parameter", "UninitializedBuffer UninitializedParameter"},
};

/* What TorchScript's own pickles call (torch/csrc/jit/serialization/pickler.h). */
static const struct global_module scripted[] = {
    {"torch.jit._pickle",
     "build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist restore_type_tag"},
};

/* Quantised and pruned layers, observers. */
static const struct global_module quantised[] = {
    {"torch.ao.nn.intrinsic.modules.fused",
     "BNReLU2d BNReLU3d ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d ConvReLU1d ConvReLU2d "
     "ConvReLU3d LinearBn1d LinearReLU _FusedModule"},
    {"torch.ao.nn.qat.dynamic.modules.linear", "Linear"},
    {"torch.ao.nn.qat.modules.conv", "Conv1d Conv2d Conv3d _ConvNd"},
    {"torch.ao.nn.qat.modules.embedding_ops", "Embedding EmbeddingBag"},
    {"torch.ao.nn.qat.modules.linear", "Linear"},
    {"torch.ao.nn.quantizable.modules.activation", "MultiheadAttention"},
    {"torch.ao.nn.quantizable.modules.rnn", "LSTM LSTMCell _LSTMLayer _LSTMSingleLayer"},
    {"torch.ao.nn.quantized.dynamic.modules.conv",
     "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"},
    {"torch.ao.nn.quantized.dynamic.modules.linear", "Linear"},
    {"torch.ao.nn.quantized.dynamic.modules.rnn",
     "GRU GRUCell LSTM LSTMCell PackedParameter RNNBase RNNCell RNNCellBase"},
    {"torch.ao.nn.quantized.modules", "DeQuantize Quantize"},
    {"torch.ao.nn.quantized.modules.activation",
     "ELU Hardswish LeakyReLU MultiheadAttention PReLU ReLU6 Sigmoid Softmax"},
    {"torch.ao.nn.quantized.modules.batchnorm", "BatchNorm2d BatchNorm3d _BatchNorm"},
    {"torch.ao.nn.quantized.modules.conv",
     "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d _ConvNd _ConvTransposeNd"},
    {"torch.ao.nn.quantized.modules.dropout", "Dropout"},
    {"torch.ao.nn.quantized.modules.embedding_ops", "Embedding EmbeddingBag EmbeddingPackedParams"},
    {"torch.ao.nn.quantized.modules.functional_modules", "FXFloatFunctional FloatFunctional QFunctional"},
    {"torch.ao.nn.quantized.modules.linear", "Linear LinearPackedParams"},
    {"torch.ao.nn.quantized.modules.normalization", "GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm"},
    {"torch.ao.nn.quantized.modules.rnn", "LSTM"},
    {"torch.ao.nn.quantized.modules.utils", "WeightedQuantizedModule"},
    {"torch.ao.nn.quantized.reference.modules.conv",
     "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d _ConvNd _ConvTransposeNd"},
    {"torch.ao.nn.quantized.reference.modules.linear", "Linear"},
    {"torch.ao.nn.quantized.reference.modules.rnn", "GRUCell LSTM LSTMCell RNNBase RNNCell RNNCellBase"},
    {"torch.ao.nn.quantized.reference.modules.sparse", "Embedding EmbeddingBag"},
    {"torch.ao.nn.quantized.reference.modules.utils", "ReferenceQuantizedModule"},
    {"torch.ao.nn.sparse.quantized.dynamic.linear", "Linear"},
    {"torch.ao.nn.sparse.quantized.linear", "Linear LinearPackedParams"},
    {"torch.ao.nn.sparse.quantized.utils", "LinearBlockSparsePattern"},
    {"torch.ao.quantization._correct_bias", "MeanShadowLogger"},
    {"torch.ao.quantization._learnable_fake_quantize", "_LearnableFakeQuantize"},
    {"torch.ao.quantization.fake_quantize",
     "FakeQuantize FakeQuantizeBase FixedQParamsFakeQuantize FusedMovingAvgObsFakeQuantize"},
    {"torch.ao.quantization.observer",
     "FixedQParamsObserver HistogramObserver MinMaxObserver MovingAverageMinMaxObserver "
     "MovingAveragePerChannelMinMaxObserver NoopObserver ObserverBase PerChannelMinMaxObserver PlaceholderObserver "
     "RecordingObserver ReuseInputObserver UniformQuantizationObserverBase _PartialWrapper"},
    {"torch.ao.quantization.qconfig", "QConfig QConfigDynamic"},
    {"torch.ao.quantization.qconfig_mapping", "QConfigMapping"},
    {"torch.ao.quantization.quant_type", "QuantType"},
    {"torch.ao.quantization.quantize_fx", "Scope ScopeContextManager"},
    {"torch.ao.quantization.stubs", "DeQuantStub QuantStub QuantWrapper"},
    {"torch.ao.quantization.utils", "MatchAllNode"},
    {"torch.ao.sparsity.scheduler.base_scheduler", "BaseScheduler"},
    {"torch.ao.sparsity.scheduler.cubic_scheduler", "CubicSL"},
    {"torch.ao.sparsity.scheduler.lambda_scheduler", "LambdaSL"},
    {"torch.ao.sparsity.sparsifier.base_sparsifier", "BaseSparsifier"},
    {"torch.ao.sparsity.sparsifier.nearly_diagonal_sparsifier", "NearlyDiagonalSparsifier"},
    {"torch.ao.sparsity.sparsifier.utils", "FakeSparsity"},
    {"torch.ao.sparsity.sparsifier.weight_norm_sparsifier", "WeightNormSparsifier"},
};

static const struct global_module optimisers[] = {
    {"torch.amp.grad_scaler", "GradScaler OptState _MultiDeviceReplicator"},
    {"torch.cuda.amp.grad_scaler", "GradScaler OptState _MultiDeviceReplicator"},
    {"torch.optim.adadelta", "Adadelta"},
    {"torch.optim.adafactor", "Adafactor"},
    {"torch.optim.adagrad", "Adagrad"},
    {"torch.optim.adam", "Adam _MultiDeviceReplicator"},
    {"torch.optim.adamax", "Adamax"},
    {"torch.optim.adamw", "AdamW"},
    {"torch.optim.asgd", "ASGD"},
    {"torch.optim.lbfgs", "LBFGS"},
    {"torch.optim.lr_scheduler",
     "ChainedScheduler ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LRScheduler "
     "LambdaLR LinearLR MultiStepLR MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR "
     "_LRScheduler"},
    {"torch.optim.muon", "Muon"},
    {"torch.optim.nadam", "NAdam"},
    {"torch.optim.optimizer", "Optimizer _RequiredParameter"},
    {"torch.optim.radam", "RAdam"},
    {"torch.optim.rmsprop", "RMSprop"},
    {"torch.optim.rprop", "Rprop"},
    {"torch.optim.sgd", "SGD"},
    {"torch.optim.sparse_adam", "SparseAdam"},
    {"torch.optim.swa_utils", "AveragedModel SWALR"},
};

static const struct global_module distributions[] = {
    {"torch.distributions.bernoulli", "Bernoulli"},
    {"torch.distributions.beta", "Beta"},
    {"torch.distributions.binomial", "Binomial"},
    {"torch.distributions.categorical", "Categorical"},
    {"torch.distributions.cauchy", "Cauchy"},
    {"torch.distributions.chi2", "Chi2"},
    {"torch.distributions.constraint_registry", "ConstraintRegistry"},
    {"torch.distributions.constraints",
     "Constraint _Boolean _Cat _CorrCholesky _Dependent _DependentProperty _GreaterThan _GreaterThanEq "
     "_HalfOpenInterval _IndependentConstraint _IntegerGreaterThan _IntegerInterval _IntegerLessThan _Interval "
     "_LessThan _LowerCholesky _LowerTriangular _Multinomial _OneHot _PositiveDefinite _PositiveSemidefinite _Real "
     "_Simplex _Square _Stack _Symmetric"},
    {"torch.distributions.continuous_bernoulli", "ContinuousBernoulli"},
    {"torch.distributions.dirichlet", "Dirichlet _Dirichlet"},
    {"torch.distributions.distribution", "Distribution"},
    {"torch.distributions.exp_family", "ExponentialFamily"},
    {"torch.distributions.exponential", "Exponential"},
    {"torch.distributions.fishersnedecor", "FisherSnedecor"},
    {"torch.distributions.gamma", "Gamma"},
    {"torch.distributions.geometric", "Geometric"},
    {"torch.distributions.gumbel", "Gumbel"},
    {"torch.distributions.half_cauchy", "HalfCauchy"},
    {"torch.distributions.half_normal", "HalfNormal"},
    {"torch.distributions.independent", "Independent"},
    {"torch.distributions.kumaraswamy", "Kumaraswamy"},
    {"torch.distributions.laplace", "Laplace"},
    {"torch.distributions.lkj_cholesky", "LKJCholesky"},
    {"torch.distributions.log_normal", "LogNormal"},
    {"torch.distributions.logistic_normal", "LogisticNormal"},
    {"torch.distributions.lowrank_multivariate_normal", "LowRankMultivariateNormal"},
    {"torch.distributions.mixture_same_family", "MixtureSameFamily"},
    {"torch.distributions.multinomial", "Multinomial"},
    {"torch.distributions.multivariate_normal", "MultivariateNormal"},
    {"torch.distributions.negative_binomial", "NegativeBinomial"},
    {"torch.distributions.normal", "Normal"},
    {"torch.distributions.one_hot_categorical", "OneHotCategorical OneHotCategoricalStraightThrough"},
    {"torch.distributions.pareto", "Pareto"},
    {"torch.distributions.poisson", "Poisson"},
    {"torch.distributions.relaxed_bernoulli", "LogitRelaxedBernoulli RelaxedBernoulli"},
    {"torch.distributions.relaxed_categorical", "ExpRelaxedCategorical RelaxedOneHotCategorical"},
    {"torch.distributions.studentT", "StudentT"},
    {"torch.distributions.transformed_distribution", "TransformedDistribution"},
    {"torch.distributions.transforms",
     "AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform "
     "CumulativeDistributionTransform ExpTransform IndependentTransform LowerCholeskyTransform PowerTransform "
     "ReshapeTransform SigmoidTransform SoftmaxTransform SoftplusTransform StackTransform StickBreakingTransform "
     "TanhTransform Transform _InverseTransform"},
    {"torch.distributions.uniform", "Uniform"},
    {"torch.distributions.utils", "_lazy_property_and_property lazy_property"},
    {"torch.distributions.von_mises", "VonMises"},
    {"torch.distributions.weibull", "Weibull"},
    {"torch.distributions.wishart", "Wishart"},
};

static const struct global_module data[] = {
    {"torch.utils.data", "DataLoader Dataset Subset TensorDataset"},
    {"torch.utils.data.dataloader", "DataLoader _DatasetKind"},
    {"torch.utils.data.dataset",
     "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset"},
    {"torch.utils.data.distributed", "DistributedSampler"},
    {"torch.utils.data.sampler",
     "BatchSampler RandomSampler Sampler SequentialSampler SubsetRandomSampler WeightedRandomSampler"},
};

/* Types of numbers, storages and tensors, which hold numbers only. */
static const struct global_module values[] = {
    {"torch",
     "BFloat16Storage BFloat16Tensor BoolStorage BoolTensor ByteStorage ByteTensor CharStorage CharTensor "
     "ComplexDoubleStorage ComplexFloatStorage DoubleStorage DoubleTensor FloatStorage FloatTensor Generator "
     "HalfStorage HalfTensor IntStorage IntTensor LongStorage LongTensor QInt32Storage QInt8Storage QUInt2x4Storage "
     "QUInt4x2Storage QUInt8Storage ShortStorage ShortTensor Size Storage StorageBase Tag Tensor TypedStorage "
     "UntypedStorage _StorageBase _TypedStorage _UntypedStorage _mkldnn bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 "
     "bool cdouble cfloat chalf channels_last channels_last_3d complex128 complex32 complex64 contiguous_format "
     "default_generator device double dtype e finfo float float16 float32 float4_e2m1fn_x2 float64 float8_e4m3fn "
     "float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu half iinfo inf int int1 int16 int2 int3 int32 int4 "
     "int5 int6 int64 int7 int8 jagged layout legacy_contiguous_format long memory_format nan per_channel_affine "
     "per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine per_tensor_symmetric pi "
     "preserve_format qint32 qint8 qscheme quint2x4 quint4x2 quint8 short sparse_bsc sparse_bsr sparse_coo sparse_csc "
     "sparse_csr strided uint1 uint16 uint2 uint3 uint32 uint4 uint5 uint6 uint64 uint7 uint8"},
    {"torch._C", "Generator Size TensorBase _TensorBase device dtype layout"},
    {"torch._tensor", "Tensor"},
    {"torch.autograd", "Variable"},
    {"torch.autograd.variable", "Variable"},
    {"torch.cuda",
     "BFloat16Storage BFloat16Tensor BoolStorage BoolTensor ByteStorage ByteTensor CharStorage CharTensor "
     "ComplexDoubleStorage ComplexFloatStorage DoubleStorage DoubleTensor FloatStorage FloatTensor HalfStorage "
     "HalfTensor IntStorage IntTensor LongStorage LongTensor QInt32Storage QInt8Storage QUInt2x4Storage "
     "QUInt4x2Storage QUInt8Storage ShortStorage ShortTensor Storage Tensor TypedStorage UntypedStorage _TypedStorage "
     "_UntypedStorage"},
    {"torch.cuda.sparse",
     "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
     "ShortTensor Tensor"},
    {"torch.distributed.constants", "default_pg_timeout"},
    {"torch.masked", "MaskedTensor"},
    {"torch.masked.maskedtensor.core", "MaskedTensor"},
    {"torch.sparse",
     "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
     "ShortTensor Tensor"},
    {"torch.storage", "TypedStorage UntypedStorage _StorageBase _TypedStorage _UntypedStorage"},
    {"torch.tensor", "Tensor"},
    {"torch.torch_version", "TorchVersion"},
    {"torch.version", "__version__"},
};

static const struct global_module functions[] = {
    {"torch",
     "abs acos add addmm arange argmax argmin argsort as_tensor asin atan baddbmm bernoulli bmm cat ceil celu clamp "
     "clone cos cosh cumprod cumsum detach diag div dot dropout einsum empty eq erf exp expm1 eye flatten floor "
     "from_numpy full gather ge gelu gt hardshrink hstack index_select isfinite isinf isnan layer_norm le leaky_relu "
     "linspace log log10 log1p log2 log_softmax logaddexp logical_and logical_not logical_or logical_xor logsumexp lt "
     "manual_seed masked_select matmul max mean median min mm mul multinomial mv ne neg nonzero norm normal numel "
     "ones ones_like permute poisson pow prelu prod quantize_per_channel quantize_per_tensor rand randint randn "
     "randperm reciprocal relu relu_ remainder reshape round rrelu rsqrt rsub scatter selu sigmoid sigmoid_ sign sin "
     "sinh softmax sort split sqrt square squeeze stack std sub sum tan tanh tanh_ tensor threshold topk transpose "
     "tril triu trunc unbind unsqueeze var vstack where zeros zeros_like"},
    {"torch._C._nn",
     "adaptive_avg_pool2d avg_pool2d elu elu_ gelu glu hardsigmoid hardswish hardtanh leaky_relu linear log_sigmoid "
     "mish one_hot pad relu6 scaled_dot_product_attention silu softplus softshrink upsample_bilinear2d "
     "upsample_nearest2d"},
    {"torch._C._special", "special_expit"},
    {"torch.functional", "einsum meshgrid norm split stft"},
    {"torch.nn.backends.thnn", "_get_thnn_function_backend"},
    {"torch.nn.functional",
     "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
     "adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices adaptive_max_pool3d "
     "adaptive_max_pool3d_with_indices affine_grid alpha_dropout assert_int_or_pair avg_pool1d avg_pool2d avg_pool3d "
     "batch_norm bilinear binary_cross_entropy binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d "
     "conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss "
     "cosine_similarity cross_entropy ctc_loss dropout dropout1d dropout2d dropout3d elu elu_ embedding embedding_bag "
     "feature_alpha_dropout fold fractional_max_pool2d fractional_max_pool2d_with_indices fractional_max_pool3d "
     "fractional_max_pool3d_with_indices gaussian_nll_loss gelu glu grid_sample group_norm gumbel_softmax hardshrink "
     "hardsigmoid hardswish hardtanh hardtanh_ hinge_embedding_loss huber_loss instance_norm interpolate kl_div "
     "l1_loss layer_norm leaky_relu leaky_relu_ linear local_response_norm log_softmax logsigmoid lp_pool1d lp_pool2d "
     "margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d "
     "max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d mish mse_loss multi_head_attention_forward "
     "multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss native_channel_shuffle nll_loss normalize "
     "one_hot pad pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu6 relu_ rrelu "
     "rrelu_ selu selu_ sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin softplus softshrink softsign "
     "tanh tanhshrink threshold threshold_ triplet_margin_loss triplet_margin_with_distance_loss unfold upsample "
     "upsample_bilinear upsample_nearest"},
    {"torch.nn.init",
     "calculate_gain constant constant_ dirac dirac_ eye eye_ kaiming_normal kaiming_normal_ kaiming_uniform "
     "kaiming_uniform_ normal normal_ ones_ orthogonal orthogonal_ sparse sparse_ trunc_normal_ uniform uniform_ "
     "xavier_normal xavier_normal_ xavier_uniform xavier_uniform_ zeros_"},
    {"torch.random", "manual_seed"},
    {"torch.serialization", "_get_layout"},
};

/* How tensors are pickled: their storage, size and strides; a class among the arguments becomes the tensor's. */
static const struct global_module rebuilds[] = {
    {"torch._tensor", "_rebuild_parameter"},
    {"torch._utils",
     "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "
     "_rebuild_mlc_tensor _rebuild_nested_tensor _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor "
     "_rebuild_sparse_csr_tensor _rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 "
     "_rebuild_xla_tensor"},
};

static const struct global_module typed_rebuilds[] = {
    {"torch._tensor", "_rebuild_from_type _rebuild_from_type_v2"},
    {"torch._utils", "_rebuild_wrapper_subclass"},
};

static const struct global_module loads[] = {
    {"torch.storage", "_load_from_bytes"},
};

/* Classes of torch's own in C++, as TorchScript's archives name them. */
static const struct global_module native[] = {
    {"__torch__.torch.classes.quantized",
     "Conv2dPackedParamsBase Conv3dPackedParamsBase EmbeddingPackedParamsBase LinearPackedParamsBase"},
    {"__torch__.torch.classes.rnn", "CellParamsBase"},
    {"__torch__.torch.classes.sparse", "LinearPackedParamsBase"},
    {"__torch__.torch.classes.xnnpack", "Conv2dOpContext LinearOpContext TransposeConv2dOpContext"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, native,
                 "packed weights of torch's own, made of tensors by TorchScript's unpickler"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, modules,
                 "a layer: made without __init__, and given its attributes, it runs nothing"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, quantised,
                 "a layer or an observer: made without __init__, and given its attributes, it runs nothing"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, optimisers,
                 "an optimiser or its schedule: numbers, and references to parameters"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, distributions, "a distribution: tensors of its parameters"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, data,
                 "a data set or its loader, which reads nothing before it is iterated over"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, values, "a type of numbers, or what holds them"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, functions, "computes on tensors"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, lazy, "a parameter without a shape"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, scripted, "makes a list or a tensor of its argument"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_REBUILD, rebuilds, "makes a tensor of a storage"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_APPLY, typed_rebuilds,
                 "makes a tensor with the function and of the class that are its arguments"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_LOADS, loads,
                 "how a storage is pickled by Python's own pickler: a file of torch.save within"),
};

const struct global_table globals_torch = {.groups = groups, .count = sizeof groups / sizeof groups[0]};
