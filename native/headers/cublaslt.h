#include <cublasLt.h>
