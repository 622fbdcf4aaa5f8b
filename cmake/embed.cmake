# Writes the text of SOURCE to HEADER as the C array NAME, NUL-terminated (string literals have a length limit).
file(READ ${SOURCE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${HEADER} "static const char ${NAME}[] = {${bytes}0};\n")
