/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of functions of one number, element by element. */
#include "guest/model/compose.h"

int lower_function_node(struct lower *lower)
{
    static const struct {
        const char *name;
        enum function function;
    } functions[] = {
        {"Abs", FUNCTION_ABS},
        {"Acos", FUNCTION_ACOS},
        {"Acosh", FUNCTION_ACOSH},
        {"Asin", FUNCTION_ASIN},
        {"Asinh", FUNCTION_ASINH},
        {"Atan", FUNCTION_ATAN},
        {"Atanh", FUNCTION_ATANH},
        {"Ceil", FUNCTION_CEIL},
        {"Cos", FUNCTION_COS},
        {"Cosh", FUNCTION_COSH},
        {"Exp", FUNCTION_EXP},
        {"Floor", FUNCTION_FLOOR},
        {"HardSwish", FUNCTION_HARD_SWISH},
        {"IsNaN", FUNCTION_IS_NAN},
        {"Log", FUNCTION_LOG},
        {"Neg", FUNCTION_NEG},
        {"Not", FUNCTION_NOT},
        {"Reciprocal", FUNCTION_RECIPROCAL},
        {"Round", FUNCTION_ROUND},
        {"Sign", FUNCTION_SIGN},
        {"Sin", FUNCTION_SIN},
        {"Sinh", FUNCTION_SINH},
        {"Softplus", FUNCTION_SOFTPLUS},
        {"Softsign", FUNCTION_SOFTSIGN},
        {"Sqrt", FUNCTION_SQRT},
        {"Tan", FUNCTION_TAN},
    };
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (span_equal(lower->node->op, functions[i].name))
            return compose_end(&c, compose_function(&c, functions[i].function, x));
    return lower_unsupported(lower, "the function is not known");
}

/* A function of float elements with one or two float attributes. */
static int with_attributes(struct lower *lower, enum function function, const char *alpha_name, float alpha,
                           const char *beta_name, float beta)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0);

    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, alpha_name, alpha, &alpha));
    if (c.code == 0 && beta_name != NULL)
        compose_check(&c, lower_attribute_float(lower, beta_name, beta, &beta));
    return compose_end(&c, compose_function_of(&c, function, x, alpha, beta));
}

int lower_selu(struct lower *lower)
{
    return with_attributes(lower, FUNCTION_SELU, "alpha", 1.67326319217681884765625f, "gamma",
                           1.05070102214813232421875f);
}

int lower_celu(struct lower *lower)
{
    return with_attributes(lower, FUNCTION_CELU, "alpha", 1, NULL, 0);
}

int lower_thresholded_relu(struct lower *lower)
{
    return with_attributes(lower, FUNCTION_THRESHOLDED_RELU, "alpha", 1, NULL, 0);
}

int lower_shrink(struct lower *lower)
{
    return with_attributes(lower, FUNCTION_SHRINK, "lambd", 0.5f, "bias", 0);
}

int lower_is_inf(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0);
    int64_t positive = 1, negative = 1;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "detect_positive", 1, &positive));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "detect_negative", 1, &negative));
    return compose_end(&c, compose_function_of(&c, FUNCTION_IS_INF, x, positive != 0 ? 1 : 0, negative != 0 ? 1 : 0));
}
