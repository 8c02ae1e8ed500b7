// Attention with heads of 16: see attention.cuh.
#include "attention.cuh"

ATTENTION_F32(16)
ATTENTION_BF16(16)
