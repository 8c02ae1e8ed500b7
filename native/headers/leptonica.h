/*
 * Image decoding out of leptonica's library: its own JPEG reading, and the simplified API of the libpng linked into
 * it, which writes packed RGB straight into the caller's memory and reports errors without longjmp.
 */
#include <leptonica/allheaders.h>
#include <png.h>
