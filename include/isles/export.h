/* What libisles.so exports, and the one macro that every public header needs. */
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

#endif
