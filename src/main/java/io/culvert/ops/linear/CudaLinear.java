package io.culvert.ops.linear;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;

import io.culvert.device.cuda.CublasLt;
import io.culvert.device.cuda.CublasLt.Epilogue;
import io.culvert.device.cuda.CublasLt.Matmul;
import io.culvert.device.cuda.CublasLt.Product;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.Element;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.Optional;

/**
 * Three matrix products by cuBLASLt: y = x W^T (the bias in its epilogue, a residual as its C), dx = dy W, dW += dy^T x. The last one's epilogue
 * sums dy's columns too, and a launch adds them to db; where the library has no algorithm for that, two launches of ours
 * sum them.
 */
public final class CudaLinear implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final Matmul forward;
    private final Matmul backwardData;
    private final Matmul backwardWeight;
    private final CudaLaunch[] backwardBias;

    /**
     * Plans both halves.
     *
     * @param x {@code [..., in]}, of the type that is computed in
     * @param bias may be null
     * @param residual like y, added to it; may be null
     * @param y {@code [..., out]}
     * @param dy null if there is no backward pass
     * @param dx null if nobody needs it
     */
    public CudaLinear(
            CudaContext cuda, Tensor x, LinearWeight weight, Parameter bias, Tensor residual, Tensor y, Tensor dy, Tensor dx) {
        this(
                cuda, x, weight, bias, dy,
                cuda.blas().plan(forward(x, weight, residual, y).with(Epilogue.bias(address(bias, x.dtype())))),
                dx == null ? null : cuda.blas().plan(backwardData(dy, weight, dx)));
    }

    private CudaLinear(
            CudaContext cuda, Tensor x, LinearWeight weight, Parameter bias, Tensor dy, Matmul forward, Matmul backwardData) {
        this.forward = forward;
        this.backwardData = backwardData;
        if (dy == null) {
            backwardWeight = null;
            backwardBias = null;
            return;
        }
        CublasLt blas = cuda.blas();
        int rows = x.shape().rows();
        int in = x.shape().at(-1);
        int out = dy.shape().at(-1);
        Element element = x.dtype().element();
        Product product = new Product(
                out, in, rows, 1, transposed(dy.address(), out).of(element), plain(x.address(), in).of(element),
                weight.keep(), plain(weight.gradient().address(), in));
        if (bias == null) {
            backwardWeight = blas.plan(product);
            backwardBias = new CudaLaunch[0];
            return;
        }
        long sums = blas.scratch(out);
        Optional<Matmul> both = blas.planIfOffered(product.with(Epilogue.biasGradient(sums)));
        backwardWeight = both.orElseGet(() -> blas.plan(product));
        backwardBias = both.isPresent()
                ? new CudaLaunch[] {add(cuda, bias.gradient(), sums)}
                : biasGradient(cuda, bias.gradient().address(), dy);
    }

    /**
     * With a GELU behind it: {@code y = gelu(before)}, {@code before = x weight^T + bias}, one product forward. Empty where
     * the library has no algorithm for that.
     *
     * @param before {@code [..., out]}, filled for the backward pass; null if there is none
     * @param dbefore gradient of before; null if there is no backward pass
     */
    public static Optional<CudaLinear> intoGelu(
            CudaContext cuda, Tensor x, LinearWeight weight, Parameter bias, Tensor y, Tensor before, Tensor dbefore, Tensor dx) {
        Epilogue epilogue = Epilogue.biasGelu(address(bias, x.dtype()), before == null ? 0 : before.address());
        return cuda.blas().planIfOffered(forward(x, weight, null, y).with(epilogue)).map(forward -> new CudaLinear(
                cuda, x, weight, bias, dbefore, forward,
                dx == null ? null : cuda.blas().plan(backwardData(dbefore, weight, dx))));
    }

    /**
     * With a GELU before it: {@code x = gelu(before)}, {@code dbefore = gelu'(before) dx}, one product backward. Empty where
     * the library has no algorithm for that.
     *
     * @param residual as for the constructor
     * @param dy null if there is no backward pass; dbefore is null then and before not looked at
     */
    public static Optional<CudaLinear> outOfGelu(
            CudaContext cuda, Tensor x, LinearWeight weight, Parameter bias, Tensor residual, Tensor y, Tensor dy, Tensor before,
            Tensor dbefore) {
        if (dy == null) {
            return Optional.of(new CudaLinear(cuda, x, weight, bias, residual, y, dy, dbefore));
        }
        Product backward = backwardData(dy, weight, dbefore).with(Epilogue.geluBackward(before.address()));
        Product forward = forward(x, weight, residual, y).with(Epilogue.bias(address(bias, x.dtype())));
        return cuda.blas().planIfOffered(backward)
                .map(backwardData -> new CudaLinear(cuda, x, weight, bias, dy, cuda.blas().plan(forward), backwardData));
    }

    private static long address(Parameter bias, DType dtype) {
        return bias == null ? 0 : bias.value(dtype).address();
    }

    private static Product forward(Tensor x, LinearWeight weight, Tensor residual, Tensor y) {
        int in = x.shape().at(-1);
        int out = y.shape().at(-1);
        Element element = x.dtype().element();
        Product product = new Product(
                x.shape().rows(), out, in, 1, plain(x.address(), in).of(element),
                transposed(weight.value().address(), in).of(element), 0, plain(y.address(), out).of(element));
        return residual == null ? product : product.plus(residual.address());
    }

    private static Product backwardData(Tensor dy, LinearWeight weight, Tensor dx) {
        int in = dx.shape().at(-1);
        int out = dy.shape().at(-1);
        Element element = dy.dtype().element();
        return new Product(
                dy.shape().rows(), in, out, 1, plain(dy.address(), out).of(element),
                plain(weight.value().address(), in).of(element), 0, plain(dx.address(), in).of(element));
    }

    private static CudaLaunch add(CudaContext cuda, Tensor to, long from) {
        int count = Math.toIntExact(to.shape().count());
        return cuda.launch("elementwise", "add_f32").grid(cuda.blocks(count, 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(to.address()).pointer(from).int32(count);
    }

    /** Two launches that add the sum of dy's rows to so many floats at an address. */
    public static CudaLaunch[] biasGradient(CudaContext cuda, long gradient, Tensor dy) {
        int rows = dy.shape().rows();
        int out = dy.shape().at(-1);
        int columns = COLUMN_BYTES / dy.dtype().bytes;
        int parts = cuda.blocks(rows, ROWS_A_BLOCK);
        long scratch = cuda.workspace((long) parts * out * Double.BYTES);
        return new CudaLaunch[] {
            cuda.launch("elementwise", "bias_backward_partial_" + dy.dtype().suffix)
                    .grid((out + columns - 1) / columns, parts, 1).block(THREADS)
                    .pointer(scratch).pointer(dy.address()).int32(rows).int32(out),
            cuda.launch("elementwise", "bias_backward_f32").grid((out + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(gradient).pointer(scratch).int32(parts).int32(out)
        };
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        if (backwardData != null) {
            backwardData.run();
        }
        backwardWeight.run();
        CudaLaunch.runAll(backwardBias);
    }
}
