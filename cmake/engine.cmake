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

# What the room src/engine gets beside the other rooms. Privately: no other room sees Python.h.
function(isles_engine_needs)
  target_link_libraries(isles_engine PRIVATE isles_python)
  target_compile_definitions(isles_engine PRIVATE ISLES_ENGINE_PYTHON="${ISLES_PYTHON}")
  set(libraries isles_python)
  if(ISLES_HOOK)
    find_package(zydis CONFIG QUIET)
    if(zydis_FOUND)
      target_link_libraries(isles_engine PRIVATE Zydis::Zydis)
      target_compile_definitions(isles_engine PRIVATE ISLES_HAVE_ZYDIS)
      list(APPEND libraries Zydis::Zydis)
    else()
      message(STATUS "No Zydis (libzydis-dev): blocking C calls can't be interrupted")
    endif()
  endif()
  # what the object files need when they are linked (isles_add_rooms)
  set_property(GLOBAL PROPERTY ISLES_LIBRARIES_OF_engine ${libraries})

  foreach(script support value_types) # becomes a C array
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
