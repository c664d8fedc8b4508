/* SPDX-License-Identifier: Apache-2.0 */
/* Python's builtins: types of data, exceptions, and functions of their arguments alone. */
#include "guest/scan/pickle/globals_table.h"

/* Types of data. Making one runs nothing but the arguments' own conversions. */
static const struct global_module types[] = {
    {"builtins",
     "Ellipsis False None NotImplemented True bool bytearray bytearray.fromhex bytes bytes.fromhex bytes.maketrans "
     "complex dict dict.fromkeys float float.fromhex frozenset int int.from_bytes list memoryview object range set "
     "slice str str.maketrans tuple"},
};

static const struct global_module exceptions[] = {
    {"builtins",
     "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError "
     "BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError "
     "ConnectionResetError DeprecationWarning EOFError EncodingWarning EnvironmentError Exception ExceptionGroup "
     "FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError "
     "ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt "
     "LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError "
     "OverflowError PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError "
     "RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration "
     "SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError "
     "UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError "
     "Warning ZeroDivisionError"},
};

/* Functions of their arguments alone, and iterators, as pickled iterators name them. */
static const struct global_module functions[] = {
    {"builtins",
     "abs all any ascii bin callable chr divmod enumerate format hash hex id isinstance issubclass len max min next "
     "oct ord repr reversed round sorted sum zip"},
};

static const struct global_module appliers[] = {
    {"builtins", "iter"},
};

static const struct global_module mappers[] = {
    {"builtins", "filter map"},
};

static const struct global_module type_of[] = {
    {"builtins", "type"},
};

static const struct global_module attribute[] = {
    {"builtins", "getattr"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, types, "a type of plain data: making one runs no code"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, exceptions, "an exception: making one, without raising it, runs no code"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_CALL, functions, "computes from its arguments alone"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_APPLY, appliers, "an iterator; with two arguments it calls the first"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_PARTIAL, mappers, "calls its first argument for each item, when it is iterated over"),
    GLOBAL_GROUP(GLOBAL_ALLOWED_TYPE, type_of,
                 "with one argument gives its type, as pickled NoneType asks; with three it makes a class"),
    GLOBAL_GROUP(
        GLOBAL_ALLOWED_GETATTR, attribute,
        "how methods and nested classes are pickled before protocol 4; it also leads from any object to any other"),
};

const struct global_table globals_builtins = {.groups = groups, .count = sizeof groups / sizeof groups[0]};
