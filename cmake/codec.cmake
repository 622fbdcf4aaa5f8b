# What the room src/codec gets beside the other rooms: jansson, for JSON. Nobody else sees it.
function(isles_codec_needs)
  target_link_libraries(isles_codec PRIVATE PkgConfig::JANSSON)
  # what the object files need when they are linked (isles_add_rooms)
  set_property(GLOBAL PROPERTY ISLES_LIBRARIES_OF_codec PkgConfig::JANSSON)
endfunction()
