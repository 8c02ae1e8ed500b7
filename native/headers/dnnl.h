/* oneDNN's C API. The header comes with the Maven artifact that carries the library (see toolchain.lock). */
#include <oneapi/dnnl/dnnl.h>
