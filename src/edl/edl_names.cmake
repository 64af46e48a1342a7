# Run with -DIN=this folder -DINCLUDE=include folder -DOUT=file: names that EDL text cannot declare, as
# sorted C tables. names/*.txt are the words of C, those of C++ and C23 alone, the macros of the
# C library, what the headers in generated code declare and what compilers know without a header; the SDK's own names are read from its public headers, without their comments, which stand
# on lines of their own.
function(put_table name list)
  list(REMOVE_DUPLICATES list)
  list(SORT list)
  list(JOIN list "\",\n    \"" lines)
  list(LENGTH list count)
  file(APPEND ${OUT} "\nstatic const char *const ${name}[] = {\n    \"${lines}\",\n};\n"
                     "const struct cm_edl_name_list cm_edl_${name} = {${name}, ${count}};\n")
endfunction()

file(WRITE ${OUT} "#include \"edl/edl_reserved.h\"\n")
foreach(name keywords later_words macros library builtins)
  file(READ ${IN}/names/${name}.txt text)
  string(REGEX MATCHALL "[A-Za-z0-9_]+" words "${text}")
  put_table(${name} "${words}")
endforeach()
file(GLOB_RECURSE headers ${INCLUDE}/*.h)
set(names "")
foreach(header ${headers})
  file(READ ${header} text)
  string(REGEX REPLACE "\n[ \t]*/?\\*[^\n]*" "\n" text "${text}")
  string(REGEX MATCHALL "[A-Za-z0-9_]+" words "${text}")
  list(FILTER words INCLUDE REGEX "^_?(oe|OE|cm|CM)_")
  list(APPEND names ${words})
endforeach()
put_table(api "${names}")
