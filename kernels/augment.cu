// Random views from decoded images: bytes [height, width, 3] of many images to normalised floats [views, H, W, 3] (or
// [views, 3, H, W]), with torchvision v2's definitions on float tensors: crop and resize, colour jitter, grey, Gaussian
// blur, solarise, horizontal flip, normalise, in this order. What chance decides is drawn by the host and read from one
// record a view (see View); each record step may be switched off, so that a single transform is a view as well.
//
// Launch, all three: grid (H, views), block 256: a block makes one row of one view.
//   augment_resize_f32   bytes -> planes float [views, 3, H, W], colour steps before the contrast done;
//                        grey float [views, H], each row's sum of grey, from which the contrast takes its mean
//   augment_colour_*     the other colour steps and grey; without blur also the rest, into out; with blur the blur
//                        along rows, into blurred float [views, 3, H, W]
//   augment_blur_*       blur along columns and the rest, into out; views without blur return at once. Leave it out
//                        when no view has blur; `blurred` may then be null.
// Two passes over a view (three with blur). Bytes: the crop once from DRAM, 24 H W to write and read planes, 12 H W
// out, and with blur 24 H W more.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int SPAN = 2048;        // source pixels of a row that are staged at once
constexpr int MAX_TAPS = 1024;    // of a resize: shrinking by 255 (bicubic) or 511 (bilinear) at most
constexpr int MAX_RADIUS = 128;   // of a blur

enum Step { NONE = -1, BRIGHTNESS = 0, CONTRAST = 1, SATURATION = 2, HUE = 3 };

// One view, 112 bytes.
struct View {
    long offset;           // of the image's first byte in `pixels`
    int height, width;     // of the image
    int top, left;         // of the crop, inside the image
    int crop_height, crop_width;
    int bicubic;           // else bilinear
    int antialias;         // 1 as everywhere in training; 0 repeats the border and does not widen the filter
    int clamp;             // to 0..1 after the resize
    int steps[4];          // colour steps in order, NONE where there is none; CONTRAST once at most
    float amounts[4];      // of the steps: a factor, or for HUE a shift in turns
    int grey;
    int blur_width, blur_height;   // odd; both 0 for no blur; half of each less than the view and than MAX_RADIUS
    float sigma_x, sigma_y;
    int solarize;
    float threshold;
    int flip;
    int reserved;
};

static_assert(sizeof(View) == 112, "Java writes this record");

struct Pixel {
    float r, g, b;
};

INLINE float clamp(float x) { return fmaxf(0.0f, fminf(1.0f, x)); }

INLINE Pixel clamp(Pixel p) { return {clamp(p.r), clamp(p.g), clamp(p.b)}; }

INLINE float grey_of(Pixel p) { return 0.2989f * p.r + 0.587f * p.g + 0.114f * p.b; }

INLINE Pixel blend(Pixel p, float factor, float offset) {
    return clamp(Pixel{factor * p.r + offset, factor * p.g + offset, factor * p.b + offset});
}

// RGB to HSV, shift H, and back. HSV's value is max and s v is max - min, so that with h in sixths of a turn the way
// back is red = max - range clamp(2 - |h - 3|), green = max - range clamp(|h - 2| - 1),
// blue = max - range clamp(|h - 4| - 1).
INLINE Pixel shift_hue(Pixel p, float turns) {
    float max = fmaxf(fmaxf(p.r, p.g), p.b);
    float range = max - fminf(fminf(p.r, p.g), p.b);
    float divisor = range == 0 ? 1.0f : range;
    float h;
    if (max == p.r) {
        h = (p.g - p.b) / divisor;
    } else if (max == p.g) {
        h = (p.b - p.r) / divisor + 2;
    } else {
        h = (p.r - p.g) / divisor + 4;
    }
    h += 6 * turns;
    h = h < 0 ? h + 6 : h;
    h = h >= 6 ? h - 6 : h;
    return {max - range * clamp(2 - fabsf(h - 3)), max - range * clamp(fabsf(h - 2) - 1),
            max - range * clamp(fabsf(h - 4) - 1)};
}

// mean: of the grey before the contrast.
INLINE Pixel adjust(Pixel p, int step, float amount, float mean) {
    switch (step) {
        case BRIGHTNESS: return blend(p, amount, 0);
        case CONTRAST: return blend(p, amount, (1 - amount) * mean);
        case SATURATION: return blend(p, amount, (1 - amount) * grey_of(p));
        case HUE: return shift_hue(p, amount);
        default: return p;
    }
}

// The place of the contrast among the steps, 4 where there is none.
INLINE int contrast_of(const View &view) {
    int place = 4;
#pragma unroll
    for (int i = 3; i >= 0; i--) place = view.steps[i] == CONTRAST ? i : place;
    return place;
}

// A filter's value at x (in stretched source pixels): the triangle, or the Keys cubic.
INLINE float filter(float x, bool bicubic, float a) {
    x = fabsf(x);
    if (!bicubic) return fmaxf(0.0f, 1 - x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0f;
}

// The taps of output i along one axis: sources from .. from + count - 1 (to be clamped to the axis when not
// antialiased) at distances start + k, in units of `stretch`. Weights are normalised by their sum. Places are in
// double, as a float would lose the fraction of a place in a wide image; distances are small and float is enough.
struct Taps {
    int from;
    int count;
    float start;
    float inverse;
    float a;
    bool bicubic;

    INLINE Taps(int i, int input, int output, bool wide, bool antialias) {
        bicubic = wide;
        a = antialias ? -0.5f : -0.75f;
        double scale = static_cast<double>(input) / output;
        double center = scale * (i + 0.5);
        int radius = bicubic ? 2 : 1;
        if (antialias) {
            double stretch = fmax(scale, 1.0);
            double support = radius * stretch;
            from = max(static_cast<int>(center - support + 0.5), 0);
            count = min(static_cast<int>(center + support + 0.5), input) - from;
            start = static_cast<float>(from - center + 0.5);
            inverse = static_cast<float>(1 / stretch);
        } else {
            from = static_cast<int>(floor(center - 0.5)) - radius + 1;
            count = 2 * radius;
            start = static_cast<float>(from - (center - 0.5));
            inverse = 1;
        }
    }

    INLINE float weight(int k) const { return filter((start + k) * inverse, bicubic, a); }
};

INLINE int inside(int i, int length) { return min(max(i, 0), length - 1); }

// The source rows of an output row are first summed into one float row, SPAN pixels at a time, which is then resampled:
// for each of a span's output columns the sources it needs are in shared memory.
KERNEL __launch_bounds__(THREADS)
    augment_resize_f32(float *__restrict__ planes, float *__restrict__ grey, const u8 *__restrict__ pixels,
                       const View *__restrict__ views, int out_height, int out_width) {
    __shared__ float row_weight[MAX_TAPS];
    __shared__ float gathered[3 * SPAN];
    View view = views[blockIdx.y];
    int y = blockIdx.x;
    Taps rows(y, view.crop_height, out_height, view.bicubic, view.antialias);
    if (threadIdx.x < WARP) {
        float total = 0;
        for (int k = threadIdx.x; k < rows.count; k += WARP) {
            row_weight[k] = rows.weight(k);
            total += row_weight[k];
        }
        float factor = 1 / warp_sum(total);
        for (int k = threadIdx.x; k < rows.count; k += WARP) row_weight[k] *= factor;
    }
    const u8 *crop = pixels + view.offset + 3 * (static_cast<long>(view.top) * view.width + view.left);
    long pitch = 3L * view.width;
    long plane = static_cast<long>(out_height) * out_width;
    float *out = planes + 3 * plane * blockIdx.y + static_cast<long>(y) * out_width;
    int contrast = contrast_of(view);
    float sum = 0;
    for (int first = 0; first < out_width;) {
        // As many output columns as the span has sources for, found by halving: a bound that grows with the column.
        Taps begin(first, view.crop_width, out_width, view.bicubic, view.antialias);
        int low = inside(begin.from, view.crop_width);
        int columns = out_width - first;
        int high;
        while (true) {
            Taps end(first + columns - 1, view.crop_width, out_width, view.bicubic, view.antialias);
            high = inside(end.from + end.count - 1, view.crop_width) + 1;
            if (high - low <= SPAN || columns == 1) break;
            columns = (columns + 1) / 2;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < 3 * (high - low); i += THREADS) {
            const u8 *at = crop + 3 * low + i;
            float value = 0;
            for (int k = 0; k < rows.count; k++) {
                float byte = at[inside(rows.from + k, view.crop_height) * pitch];
                value = fmaf(row_weight[k], byte, value);
            }
            gathered[i] = value / 255;
        }
        __syncthreads();
        for (int x = first + threadIdx.x; x < first + columns; x += THREADS) {
            Taps taps(x, view.crop_width, out_width, view.bicubic, view.antialias);
            Pixel p = {0, 0, 0};
            float total = 0;
            for (int k = 0; k < taps.count; k++) {
                float w = taps.weight(k);
                const float *at = gathered + 3 * (inside(taps.from + k, view.crop_width) - low);
                total += w;
                p.r = fmaf(w, at[0], p.r);
                p.g = fmaf(w, at[1], p.g);
                p.b = fmaf(w, at[2], p.b);
            }
            p = {p.r / total, p.g / total, p.b / total};
            if (view.clamp) p = clamp(p);
            if (contrast < 4) {
                // Constant indices keep the record in registers.
#pragma unroll
                for (int i = 0; i < 4; i++) p = i < contrast ? adjust(p, view.steps[i], view.amounts[i], 0) : p;
                sum += grey_of(p);
            }
            out[x] = p.r;
            out[x + plane] = p.g;
            out[x + 2 * plane] = p.b;
        }
        first += columns;
    }
    sum = team_sum(sum, 0);
    if (threadIdx.x == 0) grey[static_cast<long>(blockIdx.y) * out_height + y] = sum;
}

// normalization: float [6], mean and std of red, green, blue. planar: [3, H, W] instead of [H, W, 3].
template <class T>
INLINE void finish(T *out, Pixel p, const View &view, const float *normalization, int x, int y, int height, int width,
                   int planar) {
    if (view.solarize) {
        p.r = p.r >= view.threshold ? 1 - p.r : p.r;
        p.g = p.g >= view.threshold ? 1 - p.g : p.g;
        p.b = p.b >= view.threshold ? 1 - p.b : p.b;
    }
    p.r = (p.r - normalization[0]) / normalization[3];
    p.g = (p.g - normalization[1]) / normalization[4];
    p.b = (p.b - normalization[2]) / normalization[5];
    long to_x = view.flip ? width - 1 - x : x;
    long pixel = static_cast<long>(y) * width + to_x;
    long plane = static_cast<long>(height) * width;
    T *image = out + 3 * plane * blockIdx.y;
    long step = planar ? plane : 1;
    T *at = image + (planar ? pixel : 3 * pixel);
    put(at, p.r);
    put(at + step, p.g);
    put(at + 2 * step, p.b);
}

INLINE bool blurred_view(const View &view) { return view.blur_width > 0; }

// weight[0..radius], centre first; the kernel's sum over its whole size is 1. Weights under 1e-9 of the centre's,
// beyond 6.438 sigma, add less than float rounding does and are left out. All threads must call, and pass a barrier
// before they read the weights; returns the radius.
INLINE int blur_weights(float *weight, int size, float sigma) {
    if (threadIdx.x < WARP) {
        float total = 0;
        for (int k = threadIdx.x; k <= size / 2; k += WARP) {
            float x = k / sigma;
            float w = expf(-0.5f * x * x);
            if (k < MAX_RADIUS) weight[k] = w;
            total += k == 0 ? w : 2 * w;
        }
        float factor = 1 / warp_sum(total);
        for (int k = threadIdx.x; k <= size / 2 && k < MAX_RADIUS; k += WARP) weight[k] *= factor;
    }
    return min(min(size / 2, MAX_RADIUS - 1), static_cast<int>(6.438f * sigma));
}

// A reflected border that does not repeat the edge; i leaves 0..length - 1 by less than length.
INLINE int reflect(int i, int length) {
    i = abs(i);
    return length - 1 - abs(length - 1 - i);
}

template <class T>
INLINE void colour(T *__restrict__ out, float *__restrict__ blurred, const float *__restrict__ planes,
                   const float *__restrict__ grey, const View *__restrict__ views,
                   const float *__restrict__ normalization, int height, int width, int planar) {
    __shared__ float weight[MAX_RADIUS];
    __shared__ float line[3][THREADS + 2 * MAX_RADIUS];
    View view = views[blockIdx.y];
    int y = blockIdx.x;
    long plane = static_cast<long>(height) * width;
    const float *row = planes + 3 * plane * blockIdx.y + static_cast<long>(y) * width;
    int contrast = contrast_of(view);
    float mean = 0;
    if (contrast < 4) {
        double sum = 0;
        for (int i = threadIdx.x; i < height; i += THREADS) sum += grey[static_cast<long>(blockIdx.y) * height + i];
        mean = static_cast<float>(team_sum(sum, 0) / plane);
    }
    int begin = contrast < 4 ? contrast : 0;
    auto coloured = [&](int x) {
        Pixel p = {row[x], row[x + plane], row[x + 2 * plane]};
#pragma unroll
        for (int i = 0; i < 4; i++) p = i >= begin ? adjust(p, view.steps[i], view.amounts[i], mean) : p;
        if (view.grey) {
            float g = grey_of(p);
            p = {g, g, g};
        }
        return p;
    };
    if (!blurred_view(view)) {
        for (int x = threadIdx.x; x < width; x += THREADS) {
            finish(out, coloured(x), view, normalization, x, y, height, width, planar);
        }
        return;
    }
    int radius = blur_weights(weight, view.blur_width, view.sigma_x);
    float *to = blurred + 3 * plane * blockIdx.y + static_cast<long>(y) * width;
    for (int first = 0; first < width; first += THREADS) {
        int count = min(THREADS, width - first);
        __syncthreads();
        for (int i = threadIdx.x; i < count + 2 * radius; i += THREADS) {
            Pixel p = coloured(reflect(first + i - radius, width));
            line[0][i] = p.r;
            line[1][i] = p.g;
            line[2][i] = p.b;
        }
        __syncthreads();
        if (threadIdx.x < count) {
            int at = threadIdx.x + radius;
#pragma unroll
            for (int c = 0; c < 3; c++) {
                float sum = weight[0] * line[c][at];
                for (int k = 1; k <= radius; k++) sum = fmaf(weight[k], line[c][at - k] + line[c][at + k], sum);
                to[c * plane + first + threadIdx.x] = sum;
            }
        }
    }
}

KERNEL __launch_bounds__(THREADS)
    augment_colour_f32(float *out, float *blurred, const float *planes, const float *grey, const View *views,
                       const float *normalization, int height, int width, int planar) {
    colour(out, blurred, planes, grey, views, normalization, height, width, planar);
}
KERNEL __launch_bounds__(THREADS)
    augment_colour_bf16(bf16 *out, float *blurred, const float *planes, const float *grey, const View *views,
                        const float *normalization, int height, int width, int planar) {
    colour(out, blurred, planes, grey, views, normalization, height, width, planar);
}

template <class T>
INLINE void blur(T *__restrict__ out, const float *__restrict__ blurred, const View *__restrict__ views,
                 const float *__restrict__ normalization, int height, int width, int planar) {
    __shared__ float weight[MAX_RADIUS];
    View view = views[blockIdx.y];
    if (!blurred_view(view)) return;
    int radius = blur_weights(weight, view.blur_height, view.sigma_y);
    __syncthreads();
    int y = blockIdx.x;
    long plane = static_cast<long>(height) * width;
    const float *image = blurred + 3 * plane * blockIdx.y;
    for (int x = threadIdx.x; x < width; x += THREADS) {
        float sum[3];
#pragma unroll
        for (int c = 0; c < 3; c++) sum[c] = weight[0] * image[c * plane + static_cast<long>(y) * width + x];
        for (int k = 1; k <= radius; k++) {
            long above = static_cast<long>(reflect(y - k, height)) * width + x;
            long below = static_cast<long>(reflect(y + k, height)) * width + x;
#pragma unroll
            for (int c = 0; c < 3; c++) {
                sum[c] = fmaf(weight[k], image[c * plane + above] + image[c * plane + below], sum[c]);
            }
        }
        finish(out, Pixel{sum[0], sum[1], sum[2]}, view, normalization, x, y, height, width, planar);
    }
}

KERNEL __launch_bounds__(THREADS)
    augment_blur_f32(float *out, const float *blurred, const View *views, const float *normalization, int height,
                     int width, int planar) {
    blur(out, blurred, views, normalization, height, width, planar);
}
KERNEL __launch_bounds__(THREADS)
    augment_blur_bf16(bf16 *out, const float *blurred, const View *views, const float *normalization, int height,
                      int width, int planar) {
    blur(out, blurred, views, normalization, height, width, planar);
}
