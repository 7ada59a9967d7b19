# Makes building faster with what the machine has: ccache, and mold or lld as the linker.

if(PROJECT_IS_TOP_LEVEL)
  find_program(FATHOM_CCACHE ccache)
  if(FATHOM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # The sloppiness is what ccache asks for where precompiled headers are used.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${FATHOM_CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND FATHOM_PCH)
      add_compile_options(-fpch-preprocess)
    endif()
  endif()

  find_program(FATHOM_MOLD mold)
  find_program(FATHOM_LLD ld.lld)
  if(FATHOM_MOLD)
    add_link_options(-fuse-ld=mold)
  elseif(FATHOM_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()
