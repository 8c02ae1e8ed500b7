package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.device.cuda.CudnnBatchNorm.Form;
import io.culvert.device.cuda.CudnnBatchNorm.Role;
import io.culvert.emulator.TestEmulator;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What cuDNN's graph interface, as the emulator has it, refuses, and with which words. */
class CudnnGraphTest {
    private static final int FLOAT = cudnn_h.CUDNN_DATA_FLOAT();
    private static final Form PLAIN = new Form(true, 2, 3, 3, 8, Element.BFLOAT16, false, false, false);

    private CudaContext context;

    @BeforeEach
    void open() {
        TestEmulator.install();
        context = CudaContext.open(0, false);
    }

    @AfterEach
    void close() {
        if (context != null) {
            context.close();
        }
    }

    private CudnnGraph<Role> graph() {
        return new CudnnGraph<>(context.dnn().handle());
    }

    private static CudnnDescriptor sum(CudnnGraph<Role> graph, CudnnDescriptor x, CudnnDescriptor y) {
        return graph.pointwise(cudnn_h.CUDNN_POINTWISE_ADD())
                .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x)
                .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), x)
                .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y);
    }

    @Test
    void operandsOfOtherExtents() {
        try (CudnnGraph<Role> graph = graph()) {
            CudnnDescriptor sum = sum(graph, graph.tensor(Role.X, FLOAT, 2, 8, 3, 3), graph.tensor(Role.Y, FLOAT, 2, 8, 3, 2));
            assertThatThrownBy(() -> graph.add(sum))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("cudnnBackendFinalize(operation on elements)");
        }
    }

    @Test
    void anAttributeAfterTheEnd() {
        try (CudnnGraph<Role> graph = graph()) {
            CudnnDescriptor tensor = graph.tensor(Role.X, FLOAT, 2, 8, 3, 3);
            assertThatThrownBy(() -> tensor.longs(cudnn_h.CUDNN_ATTR_TENSOR_UNIQUE_ID(), 7))
                    .hasMessageContaining("cudnnBackendSetAttribute(X, 906)")
                    .hasMessageContaining("is finished");
        }
    }

    @Test
    void anAttributeOfAnotherType() {
        try (CudnnGraph<Role> graph = graph()) {
            CudnnDescriptor tensor = graph.create("tensor", cudnn_h.CUDNN_BACKEND_TENSOR_DESCRIPTOR());
            assertThatThrownBy(() -> tensor.choice(
                            cudnn_h.CUDNN_ATTR_TENSOR_DIMENSIONS(), cudnn_h.CUDNN_TYPE_DATA_TYPE(), 1))
                    .hasMessageContaining("is of type");
        }
    }

    @Test
    void aTensorThatNothingMakes() {
        try (CudnnGraph<Role> graph = graph()) {
            graph.add(sum(graph, graph.between(FLOAT, 2, 8, 3, 3), graph.tensor(Role.Y, FLOAT, 2, 8, 3, 3)));
            assertThatThrownBy(graph::finish).hasMessageContaining("comes from nowhere");
        }
    }

    /** A graph that is sound and that no engine runs. */
    @Test
    void aSumAloneHasNoEngine() {
        try (CudnnGraph<Role> graph = graph()) {
            graph.add(sum(graph, graph.tensor(Role.X, FLOAT, 2, 8, 3, 3), graph.tensor(Role.Y, FLOAT, 2, 8, 3, 3)));
            assertThat(graph.finish().plan()).isEmpty();
        }
    }

    private Map<Role, Long> places() {
        long memory = context.allocate("test", 1 << 14);
        Map<Role, Long> places = new EnumMap<>(Role.class);
        for (Role role : new Role[] {Role.X, Role.DY, Role.DX, Role.MEAN, Role.INVSTD, Role.WEIGHT, Role.DWEIGHT, Role.DBIAS}) {
            places.put(role, memory + 1024L * places.size());
        }
        return places;
    }

    private Runnable bound(Map<Role, Long> places) {
        CudnnBatchNorm plan = CudnnBatchNorm.planIfOffered(context, PLAIN).orElseThrow();
        return plan.bind(places, 1e-5, context.workspace(plan.workspaceBytes()));
    }

    @Test
    void runsWhereAllAddressesAreGood() {
        bound(places()).run();
        context.stream().synchronize();
    }

    @Test
    void anAddressOffItsAlignment() {
        Map<Role, Long> places = places();
        places.merge(Role.DY, 8L, Long::sum);
        assertThatThrownBy(bound(places)::run)
                .hasMessageContaining("cudnnBackendExecute of batch normalisation backward of [2,3,3,8]");
    }

    @Test
    void aResultOnItsOperand() {
        Map<Role, Long> places = places();
        places.put(Role.DX, places.get(Role.DY));
        assertThatThrownBy(bound(places)::run).hasMessageContaining("lies where");
    }

    @Test
    void anAddressTooFew() {
        Map<Role, Long> places = places();
        places.remove(Role.DBIAS);
        assertThatThrownBy(() -> bound(places)).isInstanceOf(IllegalStateException.class).hasMessageContaining("DBIAS");
    }
}
