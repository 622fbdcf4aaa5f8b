# libisles-interpose, for programs that want native code to have an interpreter's variables and locale, too: linked with the
# program, before libc (isles::interpose, pkg-config isles-interpose), or preloaded. It needs nothing but libc.
add_library(isles_interpose SHARED ${CMAKE_SOURCE_DIR}/src/interpose/interpose.c)
target_compile_definitions(isles_interpose PRIVATE _GNU_SOURCE)
target_link_libraries(isles_interpose PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
# a linker that drops libraries of which nothing is needed is to keep it
target_link_options(isles_interpose INTERFACE LINKER:--undefined=isle_interpose)
set_target_properties(isles_interpose PROPERTIES OUTPUT_NAME isles-interpose EXPORT_NAME interpose
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
