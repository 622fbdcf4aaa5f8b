// A C++17 program of somebody else: two interpreters, a call in each, and one error caught with its type.
#include <cstdio>
#include <cstring>
#include <memory>

#include <isles/isles.h>

namespace
{

struct ErrorEnd {
    void operator()(isle_error *error) const
    {
        isle_error_free(error);
    }
};

int fail(const char *what, isle_error *raw)
{
    std::unique_ptr<isle_error, ErrorEnd> error(raw);
    std::fprintf(stderr, "%s: %s\n", what, error ? isle_error_text(error.get()) : "no error given");
    return 1;
}

bool product(isle_interp interp, int64_t a, int64_t b, int64_t *out, isle_error **err)
{
    isle_value *args = isle_value_new_tuple();
    isle_value_append(args, isle_value_new_int(a));
    isle_value_append(args, isle_value_new_int(b));
    isle_value *value = nullptr;
    isle_status status = isle_interp_call(interp, "operator:mul", args, isle_deadline_in(30 * ISLE_SECOND), &value,
                                          err);
    isle_value_free(args);
    bool good = status == ISLE_OK && isle_value_as_int64(value, out);
    if (status == ISLE_OK) {
        isle_value_free(value);
    }
    return good;
}

} // namespace

int main()
{
    isle_error *err = nullptr;
    isle_runtime *runtime = nullptr;
    const isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    if (isle_runtime_start(&config, &runtime, &err) != ISLE_OK) {
        return fail("start", err);
    }
    isle_interp interps[2] = {};
    for (isle_interp &interp : interps) {
        isle_interp_config wanted = ISLE_INTERP_CONFIG_INIT;
        wanted.name = "outside";
        int64_t number = 0;
        if (isle_interp_create(runtime, &wanted, &interp, &err) != ISLE_OK) {
            return fail("create", err);
        }
        if (!product(interp, 6, 7, &number, &err) || number != 42) {
            return fail("call", err);
        }
    }
    isle_status status = isle_interp_run(interps[0], "raise LookupError('lost')", isle_deadline_in(30 * ISLE_SECOND),
                                         &err);
    if (status != ISLE_ERR_PYTHON || std::strcmp(isle_exception_type(isle_error_exception(err)), "LookupError") != 0) {
        return fail("error", err);
    }
    isle_error_free(err);
    err = nullptr;
    if (isle_runtime_stop(runtime, isle_deadline_in(30 * ISLE_SECOND), &err) != ISLE_OK) {
        return fail("stop", err);
    }
    return 0;
}
