// Attention with heads of 128: see attention.cuh.
#include "attention.cuh"

ATTENTION_F32(128)
ATTENTION_BF16(128)
