# Part of isles's CMake package. A project that builds an extension module has `isles check` look at it in its own tests:
#
#   find_package(isles REQUIRED)
#   enable_testing()
#   isles_check_extension(mypkg_core REQUIRE own-gil)
#
# isles_check_extension(TARGET [REQUIRE own-gil|private|shared-gil|main] [SNIPPET FILE.py] [TIMEOUT TIME] [VENV FOLDER] [NAME TEST])
#   adds the test TEST (isles-check.TARGET), which fails where the module that the target builds is not as good as REQUIRE
#   (own-gil), and then says why and what to change.
#   SNIPPET   Python source that exercises the module; else it is imported, and its attributes are read
#   TIMEOUT   of each scene, as `isles check` takes it (60s)
#   VENV      a virtual environment with what the module imports
#
# The module must be built for the Python that this Isles is built for: ISLES_PYTHON. ISLES_PROGRAM is the program; set it before
# find_package to use another one.

function(isles_check_extension target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "REQUIRE;SNIPPET;TIMEOUT;VENV;NAME" "")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "isles_check_extension: not known: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "isles_check_extension: ${target} is no target")
  endif()
  if(NOT arg_REQUIRE)
    set(arg_REQUIRE own-gil)
  endif()
  if(NOT arg_REQUIRE MATCHES "^(own-gil|private|shared-gil|main)$")
    message(FATAL_ERROR "isles_check_extension: REQUIRE ${arg_REQUIRE} is none of own-gil, private, shared-gil and main")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME isles-check.${target})
  endif()
  set(options --verbose --no-cache --color never --require ${arg_REQUIRE})
  if(arg_SNIPPET)
    get_filename_component(snippet "${arg_SNIPPET}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
    list(APPEND options --snippet "${snippet}")
  endif()
  if(arg_TIMEOUT)
    list(APPEND options --timeout ${arg_TIMEOUT})
  endif()
  if(arg_VENV)
    list(APPEND options --venv "${arg_VENV}")
  endif()
  add_test(NAME ${arg_NAME} COMMAND "${ISLES_PROGRAM}" check ${options} $<TARGET_FILE:${target}>)
endfunction()
