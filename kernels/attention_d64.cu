// Attention with heads of 64: see attention.cuh.
#include "attention.cuh"

ATTENTION_F32(64)
ATTENTION_BF16(64)
