# The engine that the library is built for: the target isles_python (headers and libpython), and the variables
# ISLES_PYTHON, ISLES_PYTHON_VERSION. -DISLES_PYTHON=/path/to/python3.14 (or the environment) chooses one; else
# scripts/find-engine finds the newest usable one. Not CMake's own FindPython: it doesn't know free-threaded builds
# before 3.30, and the refusal of an engine should read the same everywhere.

set(wanted "${ISLES_PYTHON}")
if(NOT wanted)
  set(wanted "$ENV{ISLES_PYTHON}")
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env "ISLES_PYTHON=${wanted}" ${CMAKE_SOURCE_DIR}/scripts/find-engine --facts
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
isles_fact(version ISLES_PYTHON_VERSION)
set(ISLES_PYTHON ${engine_executable} CACHE FILEPATH "The engine's python" FORCE)
message(STATUS "Engine: CPython ${ISLES_PYTHON_VERSION}, ${ISLES_PYTHON}")

add_library(isles_python SHARED IMPORTED)
set_target_properties(isles_python PROPERTIES IMPORTED_LOCATION ${engine_library}
                      INTERFACE_INCLUDE_DIRECTORIES ${engine_include})

# What the room src/engine gets beside the other rooms.
function(isles_engine_needs)
  get_target_property(type isles_engine TYPE)
  set(scope PUBLIC)
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(scope INTERFACE)
  endif()
  target_link_libraries(isles_engine ${scope} isles_python)
  target_compile_definitions(isles_engine ${scope} ISLES_ENGINE_PYTHON="${ISLES_PYTHON}")
  if(NOT ISLES_HOOK)
    return()
  endif()
  find_package(zydis CONFIG QUIET)
  if(NOT zydis_FOUND)
    message(STATUS "No Zydis (libzydis-dev): blocking C calls can't be interrupted")
    return()
  endif()
  target_link_libraries(isles_engine ${scope} Zydis::Zydis)
  target_compile_definitions(isles_engine ${scope} ISLES_HAVE_ZYDIS)
endfunction()
