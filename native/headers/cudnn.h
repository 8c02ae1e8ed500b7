/* cuDNN 9: the backend (graph) API and the older per-operation calls. */
#include <cudnn.h>
