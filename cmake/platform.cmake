# What the room src/platform gets: libelf, which reads shared libraries (linux/elf_image.c). Nobody else sees it.
function(isles_platform_needs)
  target_link_libraries(isles_platform PRIVATE PkgConfig::ELF)
  set_property(GLOBAL PROPERTY ISLES_LIBRARIES_OF_platform PkgConfig::ELF)
endfunction()
