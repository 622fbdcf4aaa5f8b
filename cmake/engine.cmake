# The engine that the library is built for: the targets isles_python_headers and isles_python (headers and libpython), and the
# variables ISLES_PYTHON, ISLES_PYTHON_VERSION. -DISLES_PYTHON=/path/to/python3.14 (or the environment) chooses one; else
# scripts/find-engine finds the newest usable one. Not CMake's own FindPython: it doesn't know free-threaded builds
# before 3.30, and the refusal of an engine should read the same everywhere.
#
# Where the engine has only a static libpython, libisles is linked without: most archives have no position-independent code,
# and each process must have one engine, the program's. So programs that use libisles are linked with the whole of the
# archive, for what extension modules may need, and show them its symbols.

set(wanted "${ISLES_PYTHON}")
set(module_only "")
if(SKBUILD) # a wheel has only the module, for the Python that builds it
  set(module_only module)
  if(NOT wanted)
    set(wanted "${Python_EXECUTABLE}")
  endif()
endif()
if(NOT wanted)
  set(wanted "$ENV{ISLES_PYTHON}")
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env "ISLES_PYTHON=${wanted}" ${CMAKE_SOURCE_DIR}/scripts/find-engine --facts
          ${module_only}
  OUTPUT_VARIABLE facts ERROR_VARIABLE why RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${why}")
endif()

function(isles_fact name variable)
  if(NOT facts MATCHES "(^|\n)${name}=([^\n]*)")
    message(FATAL_ERROR "scripts/find-engine says nothing of ${name}")
  endif()
  set(${variable} "${CMAKE_MATCH_2}" PARENT_SCOPE)
endfunction()

isles_fact(executable engine_executable)
isles_fact(include engine_include)
isles_fact(library engine_library)
isles_fact(archive engine_archive)
isles_fact(archive_needs engine_archive_needs)
isles_fact(version ISLES_PYTHON_VERSION)
set(ISLES_PYTHON ${engine_executable} CACHE FILEPATH "The engine's python" FORCE)
execute_process(COMMAND ${ISLES_PYTHON} -c "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'), end='')"
                OUTPUT_VARIABLE ISLES_EXTENSION_SUFFIX COMMAND_ERROR_IS_FATAL ANY) # of the file name of its extension modules
message(STATUS "Engine: CPython ${ISLES_PYTHON_VERSION}, ${ISLES_PYTHON}")

option(ISLES_STATIC_ENGINE "Link programs with the static libpython, also where there is a shared one" OFF)
if(NOT engine_library)
  set(ISLES_STATIC_ENGINE ON)
endif()
set(ISLES_PROGRAMS_NEED "") # by the static libpython: what pkg-config says

# Whoever links TARGET, and is a program, gets the static libpython.
function(isles_static_engine_by target)
  set(program $<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>)
  target_link_options(${target} INTERFACE
    "$<${program}:LINKER:--whole-archive,${engine_archive},--no-whole-archive,--export-dynamic>")
  foreach(need ${engine_archive_needs}) # -no-pie, -lm, …
    target_link_libraries(${target} INTERFACE $<${program}:${need}>)
  endforeach()
endfunction()

add_library(isles_python_headers INTERFACE IMPORTED)
target_include_directories(isles_python_headers INTERFACE ${engine_include})
add_library(isles_python INTERFACE IMPORTED)
target_link_libraries(isles_python INTERFACE isles_python_headers)
if(NOT ISLES_STATIC_ENGINE)
  add_library(isles_libpython SHARED IMPORTED)
  set_target_properties(isles_libpython PROPERTIES IMPORTED_LOCATION ${engine_library})
  target_link_libraries(isles_python INTERFACE isles_libpython)
elseif(engine_archive)
  message(STATUS "Programs are linked with the static ${engine_archive}")
  separate_arguments(engine_archive_needs)
  isles_static_engine_by(isles_python)
  try_compile(links SOURCE_FROM_CONTENT links.c "#include <Python.h>\nint main(void) { return Py_IsInitialized(); }\n"
              LINK_LIBRARIES isles_python OUTPUT_VARIABLE said NO_CACHE)
  if(NOT links)
    string(REGEX MATCH "(cannot find|undefined reference)[^\n]*" telling "${said}")
    message(FATAL_ERROR "No program can be linked with the static ${engine_archive}: ${telling}\n${said}")
  endif()
  list(JOIN engine_archive_needs " " needs)
  set(ISLES_PROGRAMS_NEED "-Wl,--whole-archive,${engine_archive},--no-whole-archive,--export-dynamic ${needs}")
elseif(NOT SKBUILD)
  message(FATAL_ERROR "${ISLES_PYTHON} has no static libpython")
endif()

# The room src/module sees Python.h, too.
function(isles_module_needs)
  target_link_libraries(isles_module PRIVATE isles_python_headers)
endfunction()

# What the room src/engine gets beside the other rooms. Privately: no other room sees Python.h.
function(isles_engine_needs)
  target_link_libraries(isles_engine PRIVATE isles_python_headers)
  target_compile_definitions(isles_engine PRIVATE ISLES_ENGINE_PYTHON="${ISLES_PYTHON}")
  set(libraries isles_python)
  if(ISLES_HOOK)
    target_link_libraries(isles_engine PRIVATE Zydis::Zydis)
    target_compile_definitions(isles_engine PRIVATE ISLES_HAVE_ZYDIS)
    list(APPEND libraries Zydis::Zydis)
  endif()
  # what the object files need when they are linked (isles_add_rooms)
  set_property(GLOBAL PROPERTY ISLES_LIBRARIES_OF_engine ${libraries})

  foreach(script support processes value_types verdicts) # becomes a C array
    set(source ${CMAKE_SOURCE_DIR}/src/engine/${script}.py)
    set(header ${CMAKE_BINARY_DIR}/generated/${script}_source.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND ${CMAKE_COMMAND} -DSOURCE=${source} -DHEADER=${header} -DNAME=${script}_source
              -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake)
    target_sources(isles_engine PRIVATE ${header})
  endforeach()
  target_include_directories(isles_engine PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
