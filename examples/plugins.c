/* Build and run, in the folder of this file:
 *   cc plugins.c -o plugins_host $(pkg-config --cflags --libs isles) && ./plugins_host plugins
 *
 * A shop that prices orders with the plugins of a directory: each plugins/NAME.py is loaded into an interpreter of its
 * own, and its function adjust(order) gets the order and returns it changed. Plugins call back into the shop by
 * isles.host.setting(name) and isles.host.log(text). One of them has a mistake and one never returns: both are
 * reported, left out, and switched off; the others go on. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>

enum { MAX_PLUGINS = 16, MAX_NAME = 64 };

typedef struct plugin {
    char name[MAX_NAME];
    isle_interp interp;
    int failures;
    int logged;
} plugin;

typedef struct shop {
    plugin plugins[MAX_PLUGINS];
    size_t count;
    int64_t vat_percent;
} shop;

/* --- what plugins may call ------------------------------------------------------------------------------------------
 * Both run on the plugin's thread, with its GIL released. The shop's list of plugins does not change meanwhile, and
 * each plugin writes only its own entry. */

static plugin *plugin_of(shop *s, uint64_t interp_id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->plugins[i].interp.id == interp_id) {
            return &s->plugins[i];
        }
    }
    return NULL;
}

static isle_status host_setting(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                                isle_error **err)
{
    shop *s = ctx;
    const char *name = isle_value_as_str(isle_value_at(args, 0), NULL);
    (void)interp_id;
    if (name == NULL || isle_value_len(args) != 1) {
        *err = isle_error_new(ISLE_ERR_INVALID, "setting() takes one string");
        return ISLE_ERR_INVALID;
    }
    if (strcmp(name, "vat_percent") != 0) {
        *err = isle_error_new(ISLE_ERR_INVALID, "there is no such setting");
        return ISLE_ERR_INVALID;
    }
    *out_value = isle_value_new_int(s->vat_percent);
    return *out_value != NULL ? ISLE_OK : ISLE_ERR_NOMEM;
}

static isle_status host_log(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                            isle_error **err)
{
    plugin *p = plugin_of(ctx, interp_id);
    const char *text = isle_value_as_str(isle_value_at(args, 0), NULL);
    (void)out_value; /* left alone: None */
    if (p == NULL || text == NULL) {
        *err = isle_error_new(ISLE_ERR_INVALID, "log() takes one string");
        return ISLE_ERR_INVALID;
    }
    p->logged++;
    printf("  [%s] %s\n", p->name, text);
    return ISLE_OK;
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static bool is_plugin(const char *file)
{
    size_t len = strlen(file);
    return len > 3 && len - 3 < MAX_NAME && strcmp(file + len - 3, ".py") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const plugin *)a)->name, ((const plugin *)b)->name);
}

static bool find_plugins(shop *s, const char *directory)
{
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        perror(directory);
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL && s->count < MAX_PLUGINS) {
        if (is_plugin(entry->d_name)) {
            snprintf(s->plugins[s->count++].name, MAX_NAME, "%.*s", (int)strlen(entry->d_name) - 3, entry->d_name);
        }
    }
    closedir(dir);
    qsort(s->plugins, s->count, sizeof *s->plugins, by_name);
    return true;
}

static bool load_plugins(shop *s, isle_runtime *runtime, const char *directory)
{
    const char *const path[] = {directory};
    for (size_t i = 0; i < s->count; i++) {
        plugin *p = &s->plugins[i];
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        config.name = p->name;
        config.path = path;
        config.path_count = 1;
        config.no_bytecode = true; /* no __pycache__ beside the plugins */
        isle_error *err = NULL;
        if (isle_interp_create(runtime, &config, &p->interp, &err) != ISLE_OK) {
            fprintf(stderr, "%s: %s\n", p->name, isle_error_text(err));
            isle_error_free(err);
            return false;
        }
    }
    return true;
}

/* --- one order ---------------------------------------------------------------------------------------------------- */

static isle_value *new_order(int64_t id, int64_t cents)
{
    isle_value *order = isle_value_new_dict();
    if (isle_value_set_str(order, "id", isle_value_new_int(id)) != ISLE_OK ||
        isle_value_set_str(order, "cents", isle_value_new_int(cents)) != ISLE_OK) {
        isle_value_free(order);
        return NULL;
    }
    return order;
}

/* The plugin's answer to the order, or NULL. */
static isle_value *ask(plugin *p, const isle_value *order)
{
    char function[MAX_NAME + sizeof ":adjust"];
    snprintf(function, sizeof function, "%s:adjust", p->name);
    isle_value *args = isle_value_new_tuple();
    isle_value *answer = NULL;
    isle_error *err = NULL;
    isle_status status = isle_value_append(args, isle_value_copy(order));
    if (status == ISLE_OK) {
        status = isle_interp_call(p->interp, function, args, isle_deadline_in(2 * ISLE_SECOND), &answer, &err);
    }
    if (status != ISLE_OK) {
        p->failures++;
        printf("  [%s] switched off: %s\n", p->name, err != NULL ? isle_error_message(err) : isle_status_text(status));
    }
    isle_error_free(err);
    isle_value_free(args);
    return answer;
}

/* The price after all plugins, in cents; -1: out of memory. */
static int64_t price(shop *s, int64_t id, int64_t cents)
{
    isle_value *order = new_order(id, cents);
    for (size_t i = 0; i < s->count && order != NULL; i++) {
        isle_value *changed = s->plugins[i].failures == 0 ? ask(&s->plugins[i], order) : NULL;
        int64_t ignored;
        if (isle_value_as_int64(isle_value_get_str(changed, "cents"), &ignored)) {
            isle_value_free(order);
            order = changed;
        } else {
            isle_value_free(changed);
        }
    }
    int64_t result = -1;
    isle_value_as_int64(isle_value_get_str(order, "cents"), &result);
    isle_value_free(order);
    return result;
}

static const plugin *plugin_named(const shop *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->plugins[i].name, name) == 0) {
            return &s->plugins[i];
        }
    }
    return NULL;
}

/* Did all happen that the comment at the top says? For the plugins that come with this example. */
static bool went_as_told(const shop *s, int64_t large, int64_t small)
{
    static const plugin expected[] = {
        {.name = "discount", .logged = 1}, {.name = "endless", .failures = 1}, {.name = "faulty", .failures = 1},
        {.name = "nosy", .logged = 2},     {.name = "vat", .logged = 2},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const plugin *p = plugin_named(s, expected[i].name);
        if (p == NULL || p->failures != expected[i].failures || p->logged != expected[i].logged) {
            fprintf(stderr, "plugin %s did not do as expected\n", expected[i].name);
            return false;
        }
    }
    return large == 21600 && small == 2400;
}

int main(int argc, char **argv)
{
    shop s = {.vat_percent = 20};
    const char *directory = argc > 1 ? argv[1] : "plugins";
    const isle_host_function functions[] = {{"setting", host_setting, &s}, {"log", host_log, &s}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = functions;
    config.host_function_count = 2;
    isle_runtime *runtime = NULL;
    isle_error *err = NULL;

    if (!find_plugins(&s, directory)) {
        return 1;
    }
    if (isle_runtime_start(&config, &runtime, &err) != ISLE_OK) {
        fprintf(stderr, "%s\n", isle_error_text(err));
        isle_error_free(err);
        return 1;
    }
    int64_t large = -1, small = -1;
    if (load_plugins(&s, runtime, directory)) {
        printf("%zu plugins\norder 1, 20000 cents\n", s.count);
        large = price(&s, 1, 20000);
        printf("  price: %lld cents\norder 2, 2000 cents\n", (long long)large);
        small = price(&s, 2, 2000);
        printf("  price: %lld cents\n", (long long)small);
    }
    isle_status stopped = isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL);
    return stopped == ISLE_OK && went_as_told(&s, large, small) ? 0 : 1;
}
