// Attention with heads of 32: see attention.cuh.
#include "attention.cuh"

ATTENTION_F32(32)
ATTENTION_BF16(32)
