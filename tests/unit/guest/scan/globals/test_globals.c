/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of globals: ordinary ones, attacks, and ways around lists. */
#include "guest/scan/pickle/globals.h"
#include "unit/harness.h"

#include <string.h>

struct expectation {
    const char *module, *name;
    enum global_class class;
};

static enum global_class judge(const char *module, const char *name)
{
    const char *reason = NULL;
    enum global_class class = global_judge(module, strlen(module), name, strlen(name), &reason);

    CU_ASSERT_PTR_NOT_NULL_FATAL(reason);
    CU_ASSERT(strlen(reason) > 10);
    return class;
}

static void expect(const struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum global_class class = judge(expectations[i].module, expectations[i].name);

        if (class != expectations[i].class)
            printf("%s %s is %s, not %s\n", expectations[i].module, expectations[i].name, global_class_name(class),
                   global_class_name(expectations[i].class));
        CU_ASSERT_EQUAL(class, expectations[i].class);
    }
}

static void knows_ordinary_models(void)
{
    static const struct expectation ordinary[] = {
        {"torch._utils", "_rebuild_tensor_v2", GLOBAL_ALLOWED_REBUILD},
        {"torch", "FloatStorage", GLOBAL_ALLOWED_CALL},
        {"torch.jit._pickle", "build_intlist", GLOBAL_ALLOWED_CALL},
        {"__torch__", "Net", GLOBAL_ALLOWED_CLASS},
        {"__torch__.torch.nn.modules.conv.___torch_mangle_0", "Conv2d", GLOBAL_ALLOWED_CLASS},
        {"torch", "bfloat16", GLOBAL_ALLOWED_CALL},
        {"torch", "float8_e4m3fn", GLOBAL_ALLOWED_CALL},
        {"torch", "device", GLOBAL_ALLOWED_CALL},
        {"torch.nn.modules.linear", "Linear", GLOBAL_ALLOWED_CLASS},
        {"torch.nn.modules.container", "Sequential", GLOBAL_ALLOWED_CLASS},
        {"torch.optim.adamw", "AdamW", GLOBAL_ALLOWED_CLASS},
        {"torch.storage", "_load_from_bytes", GLOBAL_ALLOWED_LOADS},
        {"torch.nn.functional", "relu", GLOBAL_ALLOWED_CALL},
        {"collections", "OrderedDict", GLOBAL_ALLOWED_CALL},
        {"__builtin__", "set", GLOBAL_ALLOWED_CALL},
        {"__builtin__", "xrange", GLOBAL_ALLOWED_CALL},
        {"builtins", "type", GLOBAL_ALLOWED_TYPE},
        {"builtins", "getattr", GLOBAL_ALLOWED_GETATTR},
        {"exceptions", "ValueError", GLOBAL_ALLOWED_CALL},
        {"copy_reg", "_reconstructor", GLOBAL_ALLOWED_REBUILD},
        {"_codecs", "encode", GLOBAL_ALLOWED_ENCODE},
        {"functools", "partial", GLOBAL_ALLOWED_PARTIAL},
        {"_functools", "partial", GLOBAL_ALLOWED_PARTIAL},
        {"numpy", "dtype", GLOBAL_ALLOWED_CALL},
        {"numpy.core.multiarray", "_reconstruct", GLOBAL_ALLOWED_REBUILD},
        {"numpy._core.multiarray", "scalar", GLOBAL_ALLOWED_CALL},
        {"numpy.core._multiarray_umath", "log1p", GLOBAL_ALLOWED_CALL},
        {"numpy.core", "_ufunc_reconstruct", GLOBAL_ALLOWED_IMPORT},
        {"numpy.random._pickle", "__randomstate_ctor", GLOBAL_ALLOWED_APPLY},
        {"joblib.numpy_pickle", "NumpyArrayWrapper", GLOBAL_ALLOWED_CLASS},
        {"sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", GLOBAL_ALLOWED_CLASS},
        {"sklearn.ensemble._forest", "RandomForestClassifier", GLOBAL_ALLOWED_CLASS},
        {"sklearn.ensemble.forest", "RandomForestClassifier", GLOBAL_ALLOWED_CLASS},
        {"sklearn.tree._tree", "Tree", GLOBAL_ALLOWED_CALL},
        {"sklearn.neighbors._kd_tree", "newObj", GLOBAL_ALLOWED_REBUILD},
        {"scipy.sparse._csr", "csr_matrix", GLOBAL_ALLOWED_CALL},
        {"scipy.sparse.csr", "csr_matrix", GLOBAL_ALLOWED_CALL},
        {"pandas.core.frame", "DataFrame", GLOBAL_ALLOWED_CLASS},
        {"datetime", "datetime", GLOBAL_ALLOWED_CALL},
        {"uuid", "UUID", GLOBAL_ALLOWED_CALL},
        {"pathlib", "PosixPath", GLOBAL_ALLOWED_CALL},
        {"argparse", "Namespace", GLOBAL_ALLOWED_CALL},
        {"re", "_compile", GLOBAL_ALLOWED_CALL},
    };

    expect(ordinary, HARNESS_COUNT(ordinary));
}

static void leaves_the_rest_unknown(void)
{
    static const struct expectation unknown[] = {
        {"some.package.models", "Network", GLOBAL_UNKNOWN},
        {"some.package.models", "make_network", GLOBAL_UNKNOWN},
        {"some.package.models", "Network.Config", GLOBAL_UNKNOWN},
        {"some.package.models", "Network.forward", GLOBAL_UNKNOWN},
        {"__main__", "Net", GLOBAL_UNKNOWN},
        {"torch.nn.modules.linear", "linear", GLOBAL_UNKNOWN},
        {"torch.nn.modules", "linear.Linear", GLOBAL_DANGEROUS}, /* through a module */
        {"osmosis", "Model", GLOBAL_UNKNOWN},                    /* no module of the dangerous, but begins like one */
        {"scipy.stats._continuous_distns", "norm_gen", GLOBAL_UNKNOWN},
        {"", "x", GLOBAL_UNKNOWN},
        {"x", "", GLOBAL_UNKNOWN},
    };

    expect(unknown, HARNESS_COUNT(unknown));
}

static void knows_attacks(void)
{
    static const struct expectation attacks[] = {
        {"os", "system", GLOBAL_DANGEROUS},
        {"torch.jit", "load", GLOBAL_DANGEROUS},
        {"__torch__", "__builtins__", GLOBAL_DANGEROUS},
        {"__torch__", "os.system", GLOBAL_DANGEROUS},
        {"posix", "system", GLOBAL_DANGEROUS},
        {"nt", "system", GLOBAL_DANGEROUS},
        {"os.path", "os", GLOBAL_DANGEROUS},
        {"subprocess", "Popen", GLOBAL_DANGEROUS},
        {"builtins", "eval", GLOBAL_DANGEROUS},
        {"builtins", "setattr", GLOBAL_DANGEROUS},
        {"__builtin__", "eval", GLOBAL_DANGEROUS},
        {"__builtin__", "apply", GLOBAL_DANGEROUS},
        {"__builtin__", "reduce", GLOBAL_DANGEROUS},
        {"__builtin__", "file", GLOBAL_DANGEROUS},
        {"commands", "getoutput", GLOBAL_DANGEROUS},
        {"cPickle", "loads", GLOBAL_DANGEROUS},
        {"urllib2", "urlopen", GLOBAL_DANGEROUS},
        {"thread", "start_new_thread", GLOBAL_DANGEROUS},
        {"_thread", "start_new_thread", GLOBAL_DANGEROUS},
        {"operator", "attrgetter", GLOBAL_DANGEROUS},
        {"_operator", "methodcaller", GLOBAL_DANGEROUS},
        {"functools", "reduce", GLOBAL_DANGEROUS},
        {"copyreg", "add_extension", GLOBAL_DANGEROUS},
        {"types", "CodeType", GLOBAL_DANGEROUS},
        {"types", "FunctionType", GLOBAL_DANGEROUS},
        {"uuid", "_get_command_stdout", GLOBAL_DANGEROUS},
        {"numpy", "load", GLOBAL_DANGEROUS},
        {"numpy._core.multiarray", "fromfile", GLOBAL_DANGEROUS},
        {"numpy.testing._private.utils", "runstring", GLOBAL_DANGEROUS},
        {"torch.hub", "load", GLOBAL_DANGEROUS},
        {"torch.utils.collect_env", "run", GLOBAL_DANGEROUS},
        {"joblib", "load", GLOBAL_DANGEROUS},
        {"pandas", "read_pickle", GLOBAL_DANGEROUS},
        {"six.moves.cPickle", "load", GLOBAL_DANGEROUS},
        {"gevent.subprocess", "Popen", GLOBAL_DANGEROUS},
        {"any.package", "system", GLOBAL_DANGEROUS},
        {"any.package", "import_module", GLOBAL_DANGEROUS},
        {"any.package", "os", GLOBAL_DANGEROUS},
        {"any.package", "_sys", GLOBAL_DANGEROUS},
        {"any.package", "__builtins__", GLOBAL_DANGEROUS},
    };

    expect(attacks, HARNESS_COUNT(attacks));
}

static void follows_dots(void)
{
    static const struct expectation dotted[] = {
        {"torch", "os.system", GLOBAL_DANGEROUS},
        {"random", "_os.system", GLOBAL_DANGEROUS},
        {"collections", "_sys.modules.__getitem__", GLOBAL_DANGEROUS},
        {"torch", "serialization.pickle.loads", GLOBAL_DANGEROUS},
        {"torch", "hub.load", GLOBAL_DANGEROUS},
        {"torch.nn", "modules.module.torch.os.system", GLOBAL_DANGEROUS},
        {"anything", "Class.__init__.__globals__", GLOBAL_DANGEROUS},
        {"anything", "Class.__subclasses__", GLOBAL_DANGEROUS},
        {"anything", "a.b", GLOBAL_DANGEROUS},
        {"anything", ".system", GLOBAL_DANGEROUS},
        {"anything", "Class.eval", GLOBAL_DANGEROUS},
        {"builtins", "bytes.fromhex", GLOBAL_ALLOWED_CALL},
        {"builtins", "str.format", GLOBAL_DANGEROUS},
        {"builtins", "str.__class__", GLOBAL_DANGEROUS},
        /* Python 3.11's members of enumerations */
        {"transformers.trainer_utils", "HubStrategy.EVERY_SAVE", GLOBAL_ALLOWED_CALL},
        {"inspect", "_ParameterKind.KEYWORD_ONLY", GLOBAL_ALLOWED_CALL},
        {"some.package", "Kind.MEMBER", GLOBAL_UNKNOWN},
        {"os", "Kind.MEMBER", GLOBAL_DANGEROUS},
        {"transformers.trainer_utils", "HubStrategy.MEMBER.OTHER", GLOBAL_UNKNOWN},
        {"builtins", "int.from_bytes", GLOBAL_ALLOWED_CALL},
    };

    expect(dotted, HARNESS_COUNT(dotted));
    CU_ASSERT_EQUAL(global_judge_attribute("torch", 5, "nn", 2, "os", 2, NULL), GLOBAL_DANGEROUS);
    CU_ASSERT_EQUAL(global_judge_attribute("some.models", 11, "Net", 3, "forward", 7, NULL), GLOBAL_UNKNOWN);
    CU_ASSERT_EQUAL(global_judge_attribute("some.models", 11, "Net", 3, "__globals__", 11, NULL), GLOBAL_DANGEROUS);
}

static void takes_any_bytes(void)
{
    static char big[4 * GLOBAL_NAME_MAX];

    memset(big, 'a', sizeof big);
    CU_ASSERT_EQUAL(global_judge(big, GLOBAL_NAME_MAX, big, GLOBAL_NAME_MAX, NULL), GLOBAL_UNKNOWN);
    CU_ASSERT_EQUAL(global_judge(big, GLOBAL_NAME_MAX + 1, big, 1, NULL), GLOBAL_DANGEROUS);
    CU_ASSERT_EQUAL(global_judge("numpy", 5, big, GLOBAL_NAME_MAX + 1, NULL), GLOBAL_DANGEROUS);
    CU_ASSERT_EQUAL(global_judge_attribute("m", 1, "N", 1, big, sizeof big, NULL), GLOBAL_DANGEROUS);
    memset(big, '.', sizeof big);
    CU_ASSERT_EQUAL(global_judge(big, GLOBAL_NAME_MAX, big, 1, NULL), GLOBAL_DANGEROUS);
    CU_ASSERT_EQUAL(global_judge("m", 1, big, GLOBAL_DOTS_MAX + 1, NULL), GLOBAL_DANGEROUS);
    memcpy(big, "numpy._core", 11);
    (void)global_judge(big, GLOBAL_NAME_MAX, big, GLOBAL_NAME_MAX, NULL);
    CU_ASSERT_EQUAL(global_judge("os\0.x", 5, "y", 1, NULL), GLOBAL_UNKNOWN);
    CU_ASSERT_EQUAL(global_judge("numpy dtype", 11, "x", 1, NULL), GLOBAL_UNKNOWN);
    CU_ASSERT_EQUAL(global_judge("collections", 11, "Counter OrderedDict", 19, NULL), GLOBAL_UNKNOWN);
}

static void tells_classes_by_their_spelling(void)
{
    CU_ASSERT(global_is_class_name("Net", 3));
    CU_ASSERT(global_is_class_name("_Loss", 5));
    CU_ASSERT(global_is_class_name("outer.Inner", 11));
    CU_ASSERT_FALSE(global_is_class_name("Net.forward", 11));
    CU_ASSERT_FALSE(global_is_class_name("make_net", 8));
    CU_ASSERT_FALSE(global_is_class_name("_", 1));
    CU_ASSERT_FALSE(global_is_class_name("", 0));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"knows ordinary models", knows_ordinary_models},
        {"leaves the rest unknown", leaves_the_rest_unknown},
        {"knows attacks", knows_attacks},
        {"follows dots", follows_dots},
        {"takes any bytes", takes_any_bytes},
        {"tells classes by their spelling", tells_classes_by_their_spelling},
    };

    return harness_run("globals", tests, HARNESS_COUNT(tests));
}
