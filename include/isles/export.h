/* What libisles.so exports, and the macros that every public header needs. */
#ifndef ISLES_EXPORT_H
#define ISLES_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define ISLE_API __attribute__((visibility("default")))
#else
#define ISLE_API
#endif

#ifdef __cplusplus
#define ISLE_BEGIN_DECLS extern "C" {
#define ISLE_END_DECLS }
#else
#define ISLE_BEGIN_DECLS
#define ISLE_END_DECLS
#endif

/* The start of a config struct: ISLE_X_CONFIG_INIT are made of it. C++17 has no designated initializers. */
#ifdef __cplusplus
#define ISLE_INIT_WITH(type, assign) \
    [] { type isle_init_{}; isle_init_.size = sizeof isle_init_; isle_init_ assign; return isle_init_; }()
#define ISLE_INIT(type) [] { type isle_init_{}; isle_init_.size = sizeof isle_init_; return isle_init_; }()
#else
#define ISLE_INIT_WITH(type, assign) {.size = sizeof(type), assign}
#define ISLE_INIT(type) {.size = sizeof(type)}
#endif

#endif
