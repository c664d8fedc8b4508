/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy, SciPy, joblib and pandas: arrays, what holds them, and how they are rebuilt. */
#include "guest/scan/pickle/globals_table.h"

/* Arrays, scalars and types of numbers. An array of objects holds what the pickle itself puts into it. */
static const struct global_module values[] = {
    {"numpy",
     "False_ True_ bool bool8 bool_ broadcast byte bytes0 bytes_ cdouble cfloat character chararray clongdouble "
     "clongfloat complex complex128 complex256 complex64 complex_ complexfloating csingle datetime64 double dtype e "
     "finfo flatiter flexible float float128 float16 float32 float64 float_ floating generic half iinfo inexact inf "
     "int int0 int16 int32 int64 int8 int_ intc integer intp long longcomplex longdouble longfloat longlong matrix "
     "nan ndarray ndindex newaxis number object object0 object_ pi poly1d recarray record short signedinteger single "
     "singlecomplex str str0 str_ string_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong "
     "ulonglong unicode_ unsignedinteger ushort void void0"},
    {"numpy.core._exceptions", "AxisError"},
    {"numpy.core._multiarray_umath", "dtype ndarray scalar"},
    {"numpy.core.defchararray", "chararray"},
    {"numpy.core.getlimits", "finfo iinfo"},
    {"numpy.core.multiarray", "dtype ndarray scalar"},
    {"numpy.core.numeric", "_frombuffer"},
    {"numpy.core.numerictypes", "bool_ float64 int64"},
    {"numpy.core.records", "recarray record"},
    {"numpy.dtype",
     "BoolDType ByteDType BytesDType CLongDoubleDType Complex128DType Complex64DType DateTime64DType Float16DType "
     "Float32DType Float64DType Int16DType Int32DType Int64DType Int8DType IntDType LongDType LongDoubleDType "
     "LongLongDType ObjectDType ShortDType StrDType StringDType TimeDelta64DType UByteDType UInt16DType UInt32DType "
     "UInt64DType UInt8DType UIntDType ULongDType ULongLongDType UShortDType VoidDType"},
    {"numpy.dtypes",
     "BoolDType ByteDType BytesDType CLongDoubleDType Complex128DType Complex64DType DateTime64DType Float16DType "
     "Float32DType Float64DType Int16DType Int32DType Int64DType Int8DType IntDType LongDType LongDoubleDType "
     "LongLongDType ObjectDType ShortDType StrDType StringDType TimeDelta64DType UByteDType UInt16DType UInt32DType "
     "UInt64DType UInt8DType UIntDType ULongDType ULongLongDType UShortDType VoidDType"},
    {"numpy.exceptions", "AxisError ComplexWarning VisibleDeprecationWarning"},
    {"numpy.lib._polynomial_impl", "poly1d"},
    {"numpy.lib.index_tricks", "nd_grid"},
    {"numpy.lib.mixins", "NDArrayOperatorsMixin"},
    {"numpy.lib.polynomial", "poly1d"},
    {"numpy.linalg", "LinAlgError"},
    {"numpy.ma", "MaskedArray"},
    {"numpy.ma.core", "MaskedArray MaskedConstant _MaskedBinaryOperation mvoid"},
    {"numpy.ma.mrecords", "MaskedRecords mrecarray"},
    {"numpy.matrixlib", "matrix"},
    {"numpy.matrixlib.defmatrix", "matrix"},
    {"numpy.polynomial.chebyshev", "Chebyshev"},
    {"numpy.polynomial.hermite", "Hermite"},
    {"numpy.polynomial.hermite_e", "HermiteE"},
    {"numpy.polynomial.laguerre", "Laguerre"},
    {"numpy.polynomial.legendre", "Legendre"},
    {"numpy.polynomial.polynomial", "Polynomial"},
    {"numpy.rec", "recarray record"},
};

static const struct global_module functions[] = {
    {"numpy",
     "abs absolute add all allclose alltrue amax amin angle any append arange arccos arccosh arcsin arcsinh arctan "
     "arctan2 arctanh argmax argmin argpartition argsort argwhere around array array_equal array_equiv array_split "
     "asanyarray asarray asarray_chkfinite ascontiguousarray asfarray asfortranarray asmatrix atleast_1d atleast_2d "
     "atleast_3d average bartlett base_repr binary_repr bincount bitwise_and bitwise_not bitwise_or bitwise_xor "
     "blackman block bmat broadcast_shapes broadcast_to busday_count busday_offset can_cast cbrt ceil choose clip "
     "column_stack common_type compress concatenate conj conjugate convolve copy copysign copyto corrcoef correlate "
     "cos cosh count_nonzero cov cross cumprod cumproduct cumsum datetime_as_string datetime_data deg2rad degrees "
     "delete diag diag_indices diag_indices_from diagflat diagonal diff digitize divide divmod dot dsplit dstack "
     "ediff1d einsum einsum_path empty empty_like equal exp exp2 expand_dims expm1 extract eye fabs fill_diagonal "
     "find_common_type fix flatnonzero flip fliplr flipud float_power floor floor_divide fmax fmin fmod "
     "format_float_positional format_float_scientific frexp frombuffer fromstring full full_like gcd geomspace "
     "getbufsize geterr geterrcall geterrobj gradient greater greater_equal hamming hanning heaviside histogram "
     "histogram2d histogram_bin_edges histogramdd hsplit hstack hypot i0 identity imag in1d indices inner insert "
     "interp intersect1d invert is_busday isclose iscomplex iscomplexobj isfinite isfortran isin isinf isnan isnat "
     "isneginf isposinf isreal isrealobj isscalar issctype issubclass_ issubdtype issubsctype iterable ix_ kaiser "
     "kron lcm ldexp left_shift less less_equal lexsort linspace log log10 log1p log2 logaddexp logaddexp2 "
     "logical_and logical_not logical_or logical_xor logspace mat matmul max maximum maximum_sctype may_share_memory "
     "mean median meshgrid min min_scalar_type minimum mintypecode mod modf moveaxis msort multiply nan_to_num "
     "nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile "
     "nanstd nansum nanvar ndim negative nextafter nonzero not_equal obj2sctype ones ones_like outer packbits pad "
     "partition percentile place poly polyadd polyder polydiv polyfit polyint polymul polysub polyval positive power "
     "prod product promote_types ptp put put_along_axis putmask quantile rad2deg radians ravel ravel_multi_index real "
     "real_if_close reciprocal remainder repeat reshape resize result_type right_shift rint roll rollaxis roots rot90 "
     "round round_ row_stack sctype2char searchsorted select setdiff1d seterrobj setxor1d shape shares_memory sign "
     "signbit sin sinc sinh size sometrue sort sort_complex spacing split sqrt square squeeze stack std subtract sum "
     "swapaxes take take_along_axis tan tanh tensordot tile trace transpose trapz tri tril tril_indices "
     "tril_indices_from trim_zeros triu triu_indices triu_indices_from true_divide trunc typename union1d unique "
     "unpackbits unravel_index unwrap vander var vdot vsplit vstack where zeros zeros_like"},
    {"numpy.core._multiarray_umath",
     "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_not bitwise_or "
     "bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs "
     "float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert isfinite "
     "isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and "
     "logical_not logical_or logical_xor matmul maximum minimum mod modf multiply negative nextafter not_equal "
     "positive power rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh spacing sqrt square "
     "subtract tan tanh true_divide trunc"},
    {"numpy.core.fromnumeric",
     "all alltrue amax amin any argmax argmin argpartition argsort around choose clip compress cumprod cumproduct "
     "cumsum diagonal mean ndim nonzero partition prod product ptp put ravel repeat reshape resize round_ "
     "searchsorted shape size sometrue sort squeeze std sum swapaxes take trace transpose var"},
    {"numpy.core.umath",
     "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_not bitwise_or "
     "bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs "
     "float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert isfinite "
     "isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and "
     "logical_not logical_or logical_xor matmul maximum minimum mod modf multiply negative nextafter not_equal "
     "positive power rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh spacing sqrt square "
     "subtract tan tanh true_divide trunc"},
    {"numpy.fft", "fft fftfreq fftshift ifft irfft rfft"},
    {"numpy.lib.function_base", "average bincount diff gradient interp median percentile quantile trapz unwrap"},
    {"numpy.lib.nanfunctions", "nanmax nanmean nanmedian nanmin nanstd nansum nanvar"},
    {"numpy.linalg", "det inv norm pinv qr solve svd"},
    {"numpy.linalg.linalg", "det inv norm pinv qr solve svd"},
    {"scipy.interpolate._interpolate",
     "interp1d._call_linear interp1d._call_linear_np interp1d._call_nan_spline interp1d._call_nearest "
     "interp1d._call_previousnext interp1d._call_spline"},
    {"scipy.sparse._construct", "block_diag hstack vstack"},
    {"scipy.spatial.distance",
     "braycurtis canberra chebyshev cityblock correlation cosine euclidean hamming jaccard minkowski sqeuclidean"},
    {"scipy.special", "erf expit gamma gammaln logit logsumexp softmax xlogy"},
    {"scipy.special._logsumexp", "logsumexp softmax"},
    {"scipy.special._ufuncs", "erf expit gamma gammaln logit xlogy"},
    {"scipy.stats._stats_py", "gmean kurtosis pearsonr rankdata skew spearmanr zscore"},
};

static const struct global_module rebuilds[] = {
    {"numpy.core._multiarray_umath", "_reconstruct"},
    {"numpy.core.multiarray", "_reconstruct"},
    {"numpy.ma.core", "_mareconstruct"},
    {"numpy.ma.mrecords", "_mrreconstruct"},
    {"numpy.random.bit_generator", "__pyx_unpickle_SeedSequence __pyx_unpickle_SeedlessSeedSequence"},
    {"scipy.spatial.transform._rotation", "__pyx_unpickle_Rotation"},
};

/* Older NumPy pickled a ufunc as the names of its module and itself. */
static const struct global_module imports[] = {
    {"numpy.core", "_ufunc_reconstruct"},
    {"numpy.core._internal", "_ufunc_reconstruct"},
};

static const struct global_module random_rebuilds[] = {
    {"numpy.random", "__RandomState_ctor __randomstate_ctor"},
    {"numpy.random._pickle", "__bit_generator_ctor __generator_ctor __randomstate_ctor"},
    {"numpy.random.mtrand", "__randomstate_ctor"},
};

static const struct global_module random_classes[] = {
    {"numpy.random", "Generator MT19937 PCG64 Philox RandomState SFC64"},
    {"numpy.random._generator", "Generator"},
    {"numpy.random._mt19937", "MT19937"},
    {"numpy.random._pcg64", "PCG64 PCG64DXSM"},
    {"numpy.random._philox", "Philox"},
    {"numpy.random._sfc64", "SFC64"},
    {"numpy.random.bit_generator", "ISeedSequence ISpawnableSeedSequence SeedSequence SeedlessSeedSequence"},
    {"numpy.random.mtrand", "RandomState"},
};

static const struct global_module sparse[] = {
    {"scipy.sparse",
     "bsr_array bsr_matrix coo_array coo_matrix csc_array csc_matrix csr_array csr_matrix dia_array dia_matrix "
     "dok_array dok_matrix lil_array lil_matrix spmatrix"},
    {"scipy.sparse._arrays", "bsr_array coo_array csc_array csr_array dia_array dok_array lil_array"},
    {"scipy.sparse._base", "spmatrix"},
    {"scipy.sparse._bsr", "bsr_array bsr_matrix"},
    {"scipy.sparse._coo", "coo_array coo_matrix"},
    {"scipy.sparse._csc", "csc_array csc_matrix"},
    {"scipy.sparse._csr", "csr_array csr_matrix"},
    {"scipy.sparse._dia", "dia_array dia_matrix"},
    {"scipy.sparse._dok", "dok_array dok_matrix"},
    {"scipy.sparse._lil", "lil_array lil_matrix"},
};

/* Left out on purpose: the distributions of scipy.stats, whose __setstate__ executes a text of their state. */
static const struct global_module scipy_classes[] = {
    {"scipy.cluster.hierarchy", "ClusterNode"},
    {"scipy.interpolate._bsplines", "BSpline"},
    {"scipy.interpolate._cubic", "Akima1DInterpolator CubicHermiteSpline CubicSpline PchipInterpolator"},
    {"scipy.interpolate._fitpack2",
     "BivariateSpline InterpolatedUnivariateSpline LSQUnivariateSpline RectBivariateSpline SmoothBivariateSpline "
     "UnivariateSpline"},
    {"scipy.interpolate._interpolate", "BPoly NdPPoly PPoly _PPolyBase interp1d interp2d"},
    {"scipy.interpolate._ndgriddata", "NearestNDInterpolator"},
    {"scipy.interpolate._polyint",
     "BarycentricInterpolator KroghInterpolator _Interpolator1D _Interpolator1DWithDerivatives"},
    {"scipy.interpolate._rbf", "Rbf"},
    {"scipy.interpolate._rbfinterp", "RBFInterpolator"},
    {"scipy.interpolate._rgi", "RegularGridInterpolator"},
    {"scipy.interpolate.fitpack2", "InterpolatedUnivariateSpline UnivariateSpline"},
    {"scipy.interpolate.interpolate", "PPoly interp1d"},
    {"scipy.optimize._optimize", "OptimizeResult"},
    {"scipy.optimize.optimize", "OptimizeResult"},
    {"scipy.signal._ltisys", "StateSpace TransferFunction ZerosPolesGain dlti lti"},
    {"scipy.sparse.linalg._interface", "IdentityOperator LinearOperator MatrixLinearOperator"},
    {"scipy.spatial._ckdtree", "cKDTree cKDTreeNode"},
    {"scipy.spatial._kdtree", "KDTree"},
    {"scipy.spatial.ckdtree", "cKDTree"},
    {"scipy.spatial.kdtree", "KDTree"},
    {"scipy.spatial.transform._rotation", "Rotation"},
    {"scipy.stats._kde", "gaussian_kde"},
    {"scipy.stats.kde", "gaussian_kde"},
};

/* Not joblib's other classes: they unpickle, or wrap functions. */
static const struct global_module joblib_arrays[] = {
    {"joblib.numpy_pickle", "NumpyArrayWrapper"},
    {"joblib.numpy_pickle_compat", "NDArrayWrapper ZNDArrayWrapper"},
};

static const struct global_module pandas_classes[] = {
    {"dateutil.relativedelta", "relativedelta"},
    {"dateutil.tz", "tzlocal tzoffset tzutc"},
    {"pandas",
     "BooleanDtype Categorical CategoricalDtype CategoricalIndex DataFrame DateOffset DatetimeIndex DatetimeTZDtype "
     "Flags Float32Dtype Float64Dtype Index Int16Dtype Int32Dtype Int64Dtype Int8Dtype Interval IntervalDtype "
     "IntervalIndex MultiIndex NA NaT Period PeriodDtype PeriodIndex RangeIndex Series SparseDtype StringDtype "
     "Timedelta TimedeltaIndex Timestamp UInt16Dtype UInt32Dtype UInt64Dtype UInt8Dtype"},
    {"pandas._libs.arrays", "NDArrayBacked"},
    {"pandas._libs.tslibs.dtypes", "Resolution"},
    {"pandas._libs.tslibs.nattype", "NaTType"},
    {"pandas._libs.tslibs.offsets",
     "BDay BMonthBegin BMonthEnd BQuarterBegin BQuarterEnd BYearBegin BYearEnd BaseOffset BusinessDay BusinessHour "
     "CustomBusinessDay DateOffset Day FY5253 Hour Micro Milli Minute MonthBegin MonthEnd Nano QuarterBegin "
     "QuarterEnd Second SemiMonthBegin SemiMonthEnd Tick Week WeekOfMonth YearBegin YearEnd"},
    {"pandas.core.arrays.arrow.array", "ArrowExtensionArray"},
    {"pandas.core.arrays.arrow.dtype", "ArrowDtype"},
    {"pandas.core.arrays.base", "ExtensionArray"},
    {"pandas.core.arrays.boolean", "BooleanArray BooleanDtype"},
    {"pandas.core.arrays.categorical", "Categorical"},
    {"pandas.core.arrays.datetimes", "DatetimeArray"},
    {"pandas.core.arrays.floating", "Float32Dtype Float64Dtype FloatingArray"},
    {"pandas.core.arrays.integer",
     "Int16Dtype Int32Dtype Int64Dtype Int8Dtype IntegerArray UInt16Dtype UInt32Dtype UInt64Dtype UInt8Dtype"},
    {"pandas.core.arrays.interval", "IntervalArray"},
    {"pandas.core.arrays.numpy_", "NumpyExtensionArray PandasArray PandasDtype"},
    {"pandas.core.arrays.period", "PeriodArray"},
    {"pandas.core.arrays.sparse.array", "SparseArray"},
    {"pandas.core.arrays.string_", "StringArray StringDtype"},
    {"pandas.core.arrays.string_arrow", "ArrowStringArray"},
    {"pandas.core.arrays.timedeltas", "TimedeltaArray"},
    {"pandas.core.dtypes.dtypes", "ArrowDtype NumpyEADtype PandasDtype SparseDtype"},
    {"pandas.core.flags", "Flags"},
    {"pandas.core.frame", "DataFrame"},
    {"pandas.core.generic", "NDFrame"},
    {"pandas.core.indexes.base", "Index Int64Index"},
    {"pandas.core.indexes.category", "CategoricalIndex"},
    {"pandas.core.indexes.datetimes", "DatetimeIndex"},
    {"pandas.core.indexes.interval", "IntervalIndex"},
    {"pandas.core.indexes.multi", "MultiIndex"},
    {"pandas.core.indexes.numeric", "Float64Index Int64Index NumericIndex UInt64Index"},
    {"pandas.core.indexes.period", "PeriodIndex"},
    {"pandas.core.indexes.range", "RangeIndex"},
    {"pandas.core.indexes.timedeltas", "TimedeltaIndex"},
    {"pandas.core.internals", "BlockManager SingleBlockManager"},
    {"pandas.core.internals.blocks",
     "Block BoolBlock CategoricalBlock DatetimeBlock DatetimeLikeBlock DatetimeTZBlock ExtensionBlock FloatBlock "
     "IntBlock NumericBlock NumpyBlock ObjectBlock TimeDeltaBlock"},
    {"pandas.core.series", "Series"},
    {"pandas.tseries.offsets", "BDay DateOffset Day Hour Minute MonthEnd"},
    {"pytz", "UTC utc"},
    {"pytz.tzinfo", "DstTzInfo StaticTzInfo"},
};

static const struct global_module pandas_calls[] = {
    {"dateutil.tz.tz", "tzlocal tzoffset tzutc"},
    {"pandas._libs.internals", "BlockManager BlockPlacement _unpickle_block"},
    {"pandas._libs.interval", "Interval"},
    {"pandas._libs.missing", "NAType"},
    {"pandas._libs.tslibs.nattype", "__nat_unpickle _nat_unpickle"},
    {"pandas._libs.tslibs.period", "Period"},
    {"pandas._libs.tslibs.timedeltas", "Timedelta _timedelta_unpickle"},
    {"pandas._libs.tslibs.timestamps", "Timestamp _unpickle_timestamp"},
    {"pandas.core.arrays.sparse.dtype", "SparseDtype"},
    {"pandas.core.dtypes.dtypes", "CategoricalDtype DatetimeTZDtype IntervalDtype PeriodDtype"},
    {"pandas.core.indexes.frozen", "FrozenList"},
    {"pandas.core.internals.blocks", "new_block"},
    {"pandas.core.internals.managers", "BlockManager SingleBlockManager"},
    {"pyarrow.lib", "_restore_array chunked_array field py_buffer schema struct type_for_alias"},
    {"pytz", "_UTC _p"},
};

static const struct global_module pandas_rebuilds[] = {
    {"pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"},
    {"pandas._libs.tslibs.offsets", "__pyx_unpickle_BaseOffset"},
    {"pandas.core.indexes.base", "_new_Index"},
    {"pandas.core.indexes.datetimes", "_new_DatetimeIndex"},
    {"pandas.core.indexes.interval", "_new_IntervalIndex"},
    {"pandas.core.indexes.period", "_new_PeriodIndex"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, values, "numbers, or a type of them"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, functions, "computes on arrays"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_REBUILD, rebuilds, "makes an array of the class that is its argument"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_IMPORT, imports, "imports what its two arguments name"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_APPLY, random_rebuilds,
                 "makes a random generator of the class or constructor that is its argument"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, random_classes, "the state of a random generator"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, sparse, "a sparse matrix: arrays of its entries"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, scipy_classes, "arrays, and what is computed of them"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, joblib_arrays,
                 "where joblib keeps an array's shape; its bytes follow in the stream"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CLASS, pandas_classes, "a table, its index, or a type of its columns"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, pandas_calls, "a table's block, or a time"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_REBUILD, pandas_rebuilds, "makes an index of the class that is its argument"),
};

const struct global_table globals_numpy = {.groups = groups, .count = sizeof groups / sizeof groups[0]};
