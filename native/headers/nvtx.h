/* NVTX 3 is header-only; NVTX_NO_IMPL leaves the declarations, which libnvtx3interop exports. */
#define NVTX_NO_IMPL
#include <nvtx3/nvToolsExt.h>
