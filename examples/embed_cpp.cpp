/* Build and run:
 *   c++ -std=c++17 embed_cpp.cpp -o embed_cpp $(pkg-config --cflags --libs isles) && ./embed_cpp
 *
 * Isles from C++17: three small classes own a runtime, an interpreter and a value, and a failure becomes a C++
 * exception that carries the Python one. They are part of this example, not of the library: take what you need. */
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <isles/isles.h>

/* --- the wrappers ------------------------------------------------------------------------------------------------- */

class IslesError : public std::runtime_error
{
  public:
    IslesError(isle_status status, isle_error *error) /* takes the error over */
        : std::runtime_error(error != nullptr ? isle_error_message(error) : isle_status_text(status)), status_(status),
          error_(error, isle_error_free)
    {
    }
    isle_status status() const
    {
        return status_;
    }
    /* nullptr when no Python exception is behind it */
    const isle_exception *exception() const
    {
        return error_ ? isle_error_exception(error_.get()) : nullptr;
    }

  private:
    isle_status status_;
    std::shared_ptr<isle_error> error_; /* shared: exceptions are copied */
};

/* `error` by reference: the call that sets it, `status`, may be evaluated after the other arguments. */
static void check(isle_status status, isle_error *const &error)
{
    if (status != ISLE_OK) {
        throw IslesError(status, error);
    }
}

class Value
{
  public:
    Value() = default;
    explicit Value(isle_value *value) : value_(value) /* takes it over */
    {
    }
    Value(int64_t i) : Value(made(isle_value_new_int(i)))
    {
    }
    Value(const std::string &s) : Value(made(isle_value_new_str_n(s.data(), s.size())))
    {
    }
    Value(const char *s) : Value(made(isle_value_new_str(s)))
    {
    }

    template <typename... Items> static Value tuple(Items &&...items)
    {
        Value result(made(isle_value_new_tuple()));
        (check(isle_value_append(result.get(), Value(std::forward<Items>(items)).release()), nullptr), ...);
        return result;
    }
    isle_value *get() const
    {
        return value_.get();
    }
    isle_value *release()
    {
        return value_.release();
    }
    std::string str() const
    {
        std::size_t len = 0;
        const char *text = isle_value_as_str(value_.get(), &len);
        if (text == nullptr) {
            throw std::invalid_argument("not a str");
        }
        return std::string(text, len);
    }
    int64_t integer() const
    {
        int64_t i = 0;
        if (!isle_value_as_int64(value_.get(), &i)) {
            throw std::invalid_argument("not an int of 64 bits");
        }
        return i;
    }
    const isle_value *operator[](std::size_t index) const
    {
        return isle_value_at(value_.get(), index);
    }

  private:
    struct Free {
        void operator()(isle_value *v) const
        {
            isle_value_free(v);
        }
    };
    static isle_value *made(isle_value *value)
    {
        if (value == nullptr) {
            throw std::bad_alloc();
        }
        return value;
    }
    std::unique_ptr<isle_value, Free> value_;
};

class Runtime
{
  public:
    Runtime()
    {
        isle_error *error = nullptr;
        check(isle_runtime_start(nullptr, &runtime_, &error), error);
    }
    ~Runtime()
    {
        isle_runtime_stop(runtime_, isle_deadline_in(10 * ISLE_SECOND), nullptr);
    }
    Runtime(const Runtime &) = delete;
    Runtime &operator=(const Runtime &) = delete;
    isle_runtime *get() const
    {
        return runtime_;
    }

  private:
    isle_runtime *runtime_ = nullptr;
};

class Interp
{
  public:
    Interp(const Runtime &runtime, const char *name)
    {
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        config.name = name;
        isle_error *error = nullptr;
        check(isle_interp_create(runtime.get(), &config, &interp_, &error), error);
    }
    ~Interp()
    {
        if (interp_.id != 0) {
            isle_interp_end(interp_, isle_deadline_in(10 * ISLE_SECOND), nullptr);
        }
    }
    Interp(Interp &&other) noexcept : interp_(other.interp_)
    {
        other.interp_.id = 0;
    }
    Interp(const Interp &) = delete;
    Interp &operator=(const Interp &) = delete;
    Interp &operator=(Interp &&) = delete;

    void run(const std::string &source, int64_t limit_ns = 10 * ISLE_SECOND)
    {
        isle_error *error = nullptr;
        check(isle_interp_run(interp_, source.c_str(), isle_deadline_in(limit_ns), &error), error);
    }
    template <typename... Args> Value call(const char *function, Args &&...args)
    {
        Value tuple = Value::tuple(std::forward<Args>(args)...);
        isle_value *result = nullptr;
        isle_error *error = nullptr;
        check(isle_interp_call(interp_, function, tuple.get(), isle_deadline_in(10 * ISLE_SECOND), &result, &error),
              error);
        return Value(result);
    }

  private:
    isle_interp interp_{};
};

/* --- using them --------------------------------------------------------------------------------------------------- */

static void expect(bool condition, const char *what)
{
    if (!condition) {
        throw std::logic_error(what);
    }
}

static void results(Interp &interp)
{
    interp.run("def greet(name, times):\n"
               "    return ' '.join([f'hello {name}'] * times)\n");
    std::string text = interp.call("__main__:greet", "C++", 2).str();
    std::cout << text << '\n';
    expect(text == "hello C++ hello C++", "the wrong greeting");

    Value parts = interp.call("builtins:divmod", 47, 10);
    int64_t quotient = 0, remainder = 0;
    isle_value_as_int64(parts[0], &quotient);
    isle_value_as_int64(parts[1], &remainder);
    std::cout << "47 = " << quotient << " * 10 + " << remainder << '\n';
    expect(quotient == 4 && remainder == 7, "the wrong quotient");
}

static void failures(Interp &interp)
{
    try {
        interp.run("import json\njson.loads('[1, 2')");
        expect(false, "no exception came");
    } catch (const IslesError &e) {
        std::cout << "caught: " << e.what() << '\n';
        expect(e.status() == ISLE_ERR_PYTHON && e.exception() != nullptr &&
                   std::strcmp(isle_exception_type(e.exception()), "json.decoder.JSONDecodeError") == 0,
               "another exception came");
    }
    try {
        interp.run("while True: pass", 50 * ISLE_MS);
        expect(false, "no exception came");
    } catch (const IslesError &e) {
        std::cout << "caught: " << isle_status_name(e.status()) << '\n';
        expect(e.status() == ISLE_ERR_TIMEOUT, "another failure came");
    }
}

int main()
{
    try {
        Runtime runtime;
        Interp first(runtime, "first");
        Interp moved = std::move(first); /* an interpreter has one owner */
        results(moved);
        failures(moved);
        expect(moved.call("builtins:len", "still here").integer() == 10, "the interpreter is of no use any more");
        return 0;
    } catch (const std::exception &e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
