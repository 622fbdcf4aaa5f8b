# `cmake --install`: headers, library, pkg-config file, CMake package, program, man page, completions.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/isles)

# The installed library finds libpython by its folder, unless the system's loader finds it anyway.
set_target_properties(isles PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS isles EXPORT isles-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET isles_interpose)
  install(TARGETS isles_interpose EXPORT isles-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/isles DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT isles-targets NAMESPACE isles:: DESTINATION ${package_dir})

file(RELATIVE_PATH package_up "/p/${package_dir}" "/p")
configure_file(cmake/isles-config.cmake.in ${CMAKE_BINARY_DIR}/isles-config.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/isles-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/isles-config.cmake ${CMAKE_BINARY_DIR}/isles-config-version.cmake
              cmake/IslesCheck.cmake
        DESTINATION ${package_dir})

# The prefix is found from the file's own place, so that the installed tree can be moved.
file(RELATIVE_PATH up "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
configure_file(cmake/isles.pc.in ${CMAKE_BINARY_DIR}/isles.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/isles.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET isles_interpose)
  configure_file(cmake/isles-interpose.pc.in ${CMAKE_BINARY_DIR}/isles-interpose.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/isles-interpose.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

install(TARGETS isles_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/man/isles.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES cli/completion/isles.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME isles)
install(FILES cli/completion/isles.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _isles)
install(FILES cli/completion/isles.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(ISLES_TESTS)
  add_subdirectory(tests/install)
  add_subdirectory(tests/setup)
endif()
