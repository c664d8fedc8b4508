/* SPDX-License-Identifier: Apache-2.0 */
/* Python's standard library: classes of data, functions of their arguments alone, and how objects are rebuilt. */
#include "guest/scan/pickle/globals_table.h"

/*
 * Classes of data and constants. None opens, connects, imports or runs anything when it is made, filled or BUILT with
 * any state.
 */
static const struct global_module data[] = {
    {"__future__",
     "_Feature absolute_import annotations barry_as_FLUFL division generator_stop generators nested_scopes "
     "print_function unicode_literals with_statement"},
    {"_weakrefset", "WeakSet"},
    {"abc", "ABC ABCMeta"},
    {"argparse", "Namespace"},
    {"array", "_array_reconstructor array"},
    {"calendar", "Calendar Day Month TextCalendar"},
    {"collections",
     "ChainMap Counter OrderedDict UserDict UserList UserString _OrderedDictItemsView _OrderedDictKeysView "
     "_OrderedDictValuesView defaultdict deque"},
    {"collections.abc",
     "Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping MutableMapping "
     "MutableSequence MutableSet Sequence Set Sized ValuesView"},
    {"colorsys", "hls_to_rgb hsv_to_rgb rgb_to_hls rgb_to_hsv"},
    {"contextlib", "nullcontext"},
    {"copy", "Error"},
    {"dataclasses",
     "Field FrozenInstanceError KW_ONLY MISSING _DataclassParams _FIELD_BASE _HAS_DEFAULT_FACTORY_CLASS _KW_ONLY_TYPE "
     "_MISSING_TYPE"},
    {"datetime", "MAXYEAR MINYEAR UTC date datetime time timedelta timezone timezone.utc tzinfo"},
    {"decimal",
     "Clamped Context Decimal DecimalException DecimalTuple DivisionByZero FloatOperation Inexact InvalidOperation "
     "Overflow ROUND_HALF_EVEN ROUND_HALF_UP Rounded Subnormal Underflow _reconstruct"},
    {"difflib", "Match SequenceMatcher"},
    {"email._policybase", "Compat32"},
    {"email.message", "EmailMessage Message"},
    {"enum", "Enum Flag IntEnum IntFlag StrEnum auto"},
    {"fractions", "Fraction"},
    {"graphlib", "TopologicalSorter"},
    {"http", "HTTPMethod HTTPStatus"},
    {"inspect", "BoundArguments Parameter Parameter.empty Signature Signature.empty _ParameterKind _empty"},
    {"io", "BytesIO StringIO"},
    {"ipaddress", "IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network"},
    {"json.decoder", "JSONDecodeError"},
    {"json.encoder", "JSONEncoder"},
    {"logging", "DEBUG ERROR Filter Formatter INFO LogRecord Logger NullHandler PercentStyle WARNING getLogger"},
    {"numbers", "Complex Integral Number Rational Real"},
    {"pathlib", "Path PosixPath PurePath PurePosixPath PureWindowsPath UnsupportedOperation WindowsPath"},
    {"queue", "Empty Full"},
    {"random", "Random"},
    {"re",
     "ASCII DOTALL IGNORECASE MULTILINE Match Pattern PatternError RegexFlag VERBOSE _compile compile error escape"},
    {"re._constants", "_NamedIntConstant error"},
    {"sre_constants", "_NamedIntConstant error"},
    {"statistics", "NormalDist StatisticsError"},
    {"string", "Template ascii_letters ascii_lowercase ascii_uppercase digits punctuation whitespace"},
    {"struct", "Struct"},
    {"textwrap", "TextWrapper"},
    {"time", "struct_time"},
    {"tokenize", "TokenInfo"},
    {"types", "EllipsisType GenericAlias MappingProxyType NoneType NotImplementedType SimpleNamespace UnionType"},
    {"typing",
     "AbstractSet Annotated Any AnyStr AsyncIterator Awaitable Callable ChainMap ClassVar Collection Concatenate "
     "Container Counter DefaultDict Deque Dict Final FrozenSet Generator Generic Hashable ItemsView Iterable Iterator "
     "KeysView List Literal Mapping MappingView MutableMapping MutableSequence MutableSet NamedTuple NewType NoReturn "
     "Optional OrderedDict Pattern Protocol Sequence Set Sized SupportsFloat SupportsInt Text Tuple Type TypeVar "
     "TypedDict Union ValuesView"},
    {"urllib.parse", "DefragResult ParseResult ParseResultBytes SplitResult SplitResultBytes"},
    {"uuid", "SafeUUID UUID"},
    {"weakref", "WeakKeyDictionary WeakSet WeakValueDictionary"},
    {"xml.etree.ElementTree", "Element"},
    {"zoneinfo", "ZoneInfo ZoneInfo._unpickle"},
};

static const struct global_module functions[] = {
    {"bisect", "bisect bisect_left bisect_right"},
    {"cmath", "exp log phase polar rect sqrt"},
    {"math",
     "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist e erf erfc exp exp2 expm1 fabs "
     "floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10 log1p "
     "log2 modf nan nextafter pi prod radians remainder sin sinh sqrt tan tanh tau trunc ulp"},
    {"operator",
     "abs add and_ contains countOf eq floordiv ge gt index indexOf inv invert is_ is_not le lt matmul mod mul ne neg "
     "not_ or_ pos sub truediv truth xor"},
    {"statistics", "fmean mean median mode pstdev pvariance stdev variance"},
    {"textwrap", "dedent indent"},
};

static const struct global_module iterators[] = {
    {"itertools",
     "chain combinations combinations_with_replacement compress count cycle islice pairwise permutations product "
     "repeat tee zip_longest"},
};

static const struct global_module appliers[] = {
    {"collections", "_tuplegetter"},
    {"itertools", "accumulate groupby"},
};

static const struct global_module partial[] = {
    {"functools", "cmp_to_key partial partialmethod"},
    {"itertools", "dropwhile filterfalse starmap takewhile"},
    {"operator", "getitem"},
    {"types", "MethodType"},
};

/* How copyreg, abstract classes and extension types rebuild an object: the class is among the arguments. */
static const struct global_module rebuild[] = {
    {"copyreg", "__newobj__ __newobj_ex__ _reconstructor"},
};

static const struct global_module codecs[] = {
    {"_codecs", "encode"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, data, "a class of plain data: making one runs no code but its own conversions"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, functions, "computes from its arguments alone"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, iterators, "an iterator over its arguments"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_APPLY, appliers,
                 "calls or looks into its arguments, now or when it is used; harmless where they are"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_PARTIAL, partial,
                 "calls its first argument, or looks into it, now or later: as harmless as that"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_REBUILD, rebuild,
                 "makes an object of the class that is its argument, without __init__"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_ENCODE, codecs, "how bytes are pickled before protocol 3"),
};

const struct global_table globals_stdlib = {.groups = groups, .count = sizeof groups / sizeof groups[0]};
