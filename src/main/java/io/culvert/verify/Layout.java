package io.culvert.verify;

import io.culvert.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** How a tensor of PyTorch's layout lies in Culvert's memory. */
enum Layout {
    /** As it is. */
    SAME {
        @Override
        List<Long> stored(List<Long> torch) {
            return torch.isEmpty() ? List.of(1L) : torch;
        }

        @Override
        float[] toStored(List<Long> torch, float[] values) {
            return values;
        }

        @Override
        float[] toTorch(List<Long> torch, float[] values) {
            return values;
        }
    },
    /** The second axis, the channels, last: {@code N C H W} is stored {@code N H W C}. */
    CHANNELS_LAST {
        @Override
        List<Long> stored(List<Long> torch) {
            List<Long> stored = new ArrayList<>(torch);
            stored.add(stored.remove(1));
            return stored;
        }

        @Override
        float[] toStored(List<Long> torch, float[] values) {
            return transpose(values, torch.get(0), torch.get(1), inner(torch));
        }

        @Override
        float[] toTorch(List<Long> torch, float[] values) {
            return transpose(values, torch.get(0), inner(torch), torch.get(1));
        }
    };

    abstract List<Long> stored(List<Long> torch);

    /** Elements in stored order from PyTorch's, of PyTorch's shape. */
    abstract float[] toStored(List<Long> torch, float[] values);

    /** Elements in PyTorch's order, of PyTorch's shape, from stored. */
    abstract float[] toTorch(List<Long> torch, float[] values);

    /** The extents in Culvert's memory of a tensor of PyTorch's shape. */
    Shape shape(List<Long> torch) {
        return Shape.of(stored(torch).stream().mapToInt(Math::toIntExact).toArray());
    }

    /** PyTorch's shape of a tensor with these extents in memory. */
    List<Long> torchShape(Shape stored) {
        List<Long> torch = new ArrayList<>();
        for (int extent : stored.toArray()) {
            torch.add((long) extent);
        }
        if (this == CHANNELS_LAST) {
            torch.add(1, torch.removeLast());
        }
        return torch;
    }

    private static long inner(List<Long> torch) {
        return torch.stream().skip(2).reduce(1L, (a, b) -> a * b);
    }

    /** Of each of {@code n} matrices {@code rows x columns} its transpose. */
    private static float[] transpose(float[] from, long n, long rows, long columns) {
        float[] to = new float[from.length];
        int at = 0;
        for (long i = 0; i < n; i++) {
            for (long c = 0; c < columns; c++) {
                for (long r = 0; r < rows; r++) {
                    to[at++] = from[(int) ((i * rows + r) * columns + c)];
                }
            }
        }
        return to;
    }
}
