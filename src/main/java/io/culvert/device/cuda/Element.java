package io.culvert.device.cuda;

import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.bindings.cudnn.cudnn_h;

/** What NVIDIA's libraries call the types that our tensors have. */
public enum Element {
    FLOAT(Float.BYTES, cublaslt_h.CUDA_R_32F(), cudnn_h.CUDNN_DATA_FLOAT()),
    BFLOAT16(Short.BYTES, cublaslt_h.CUDA_R_16BF(), cudnn_h.CUDNN_DATA_BFLOAT16());

    final int bytes;
    final int cublas;
    final int cudnn;

    Element(int bytes, int cublas, int cudnn) {
        this.bytes = bytes;
        this.cublas = cublas;
        this.cudnn = cudnn;
    }
}
