# cmake -DSOURCE=DIR -DOUT=FILE -P commit.cmake: writes a .cc with the commit of the checkout, "unknown" outside of one.
# Runs at each build, and touches the file only when the commit changed.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --match=
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR commit STREQUAL "")
  set(commit unknown)
endif()
set(text "#include \"tools/version.h\"\n\nnamespace synod {\nconst char* const commit = \"${commit}\";\n}  // namespace synod\n")
set(before "")
if(EXISTS ${OUT})
  file(READ ${OUT} before)
endif()
if(NOT text STREQUAL before)
  file(WRITE ${OUT} "${text}")
endif()
