package io.culvert.data.synth;

/**
 * A side pipe's mouth, seen with parallax: the ray runs on into the bore, or meets the end or the flank of a side pipe
 * that sticks out. Positions near the opening are unrolled: u round the pipe, v along it.
 */
final class OpeningShader {
    private static final float DEEPEST = 2.5f;

    private final Opening opening;
    private final float axisX;
    private final float axisY;
    private final float radius;
    private final float outer;
    private final float reach;
    private final Noise noise = new Noise();

    /** Linear-light colour of the latest hit, how much of it covers the wall, and the depth it lies at. */
    float r;

    float g;
    float b;
    float cover;
    float depth;

    OpeningShader(Opening opening, Tracer tracer) {
        this.opening = opening;
        int segment = tracer.segmentAt(opening.z());
        axisX = tracer.axisX(segment);
        axisY = tracer.axisY(segment);
        radius = opening.radius();
        outer = radius * (1 + opening.rimWidth());
        reach = outer * (1.1f + opening.jaggedness());
    }

    int label() {
        return opening.label();
    }

    /**
     * Whether the ray from (ox, oy, 0) that meets the wall as {@code hit} says sees the opening; if so its colour is in
     * the fields.
     */
    boolean shade(Tracer hit, float ox, float oy, float dx, float dy, float dz) {
        float u = Angles.wrap(hit.theta - opening.theta());
        if (hit.face || Math.abs(u) > reach * 1.5f + opening.protrusion()) {
            return false;
        }
        float v = hit.z - opening.z();
        if (v < -reach || (opening.protrusion() == 0 && v > reach)) {
            return false;
        }
        float radial = Math.max(0.02f, hit.x * dx + hit.y * dy);
        float round = (hit.y * dx - hit.x * dy) / radial;
        float along = dz / radial;
        if (opening.protrusion() > 0 && protruding(u, v, ox, oy, dx, dy, dz)) {
            return true;
        }
        return v <= reach && flush(u, v, round, along - opening.slant());
    }

    private boolean flush(float u, float v, float round, float along) {
        float angle = Angles.fromInvert(u, v);
        float turn = angle / Angles.TURN + 0.5f;
        float ragged = 1 + opening.jaggedness() * noise.fractal(turn, 0.5f, 9, 3, opening.seed());
        float d = (float) Math.sqrt(u * u + v * v) / (radius * ragged);
        if (d < 1) {
            bore(u, v, round, along);
            return true;
        }
        float width = opening.rimWidth() * ragged;
        if (width <= 0 || d > 1 + width) {
            return false;
        }
        rim(v, (d - 1) / width, turn);
        return true;
    }

    /** Inside the side pipe: the ray runs {@code s} deep before it meets the wall beyond. */
    private void bore(float u, float v, float round, float along) {
        float a = round * round + along * along + 1e-6f;
        float half = u * round + v * along;
        float c = Math.min(0, u * u + v * v - radius * radius);
        float s = Math.max(0, (-half + (float) Math.sqrt(half * half - a * c)) / a);
        float light = s > DEEPEST ? 0 : (float) Math.exp(-s * 3f);
        // The first stretch of the bore is the cut through the main pipe's wall and lies half in shade.
        float cut = 0.65f * Math.min(1, 0.3f + s * 4);
        float streak = 1 + 0.3f * noise.plane((u + s) * 14, s * 10, opening.seed() + 3) - 0.15f;
        float tone = light * cut * streak;
        r = opening.boreRgb()[0] * tone;
        g = opening.boreRgb()[1] * tone;
        b = opening.boreRgb()[2] * tone;
        cover = 1;
        depth = opening.z() + v;
    }

    private void rim(float v, float across, float turn) {
        float slope = opening.rimSlope() * v / (radius + 1e-6f);
        float rough = 1 + (0.3f + opening.jaggedness()) * noise.fractal(turn, across * 2, 16, 2, opening.seed() + 7);
        float edge = across < 0.12f ? 0.55f : 1;
        float tone = Math.max(0.12f, 1 + slope) * rough * edge;
        r = opening.rimRgb()[0] * tone;
        g = opening.rimRgb()[1] * tone;
        b = opening.rimRgb()[2] * tone;
        cover = Math.min(1, (1 - across) * 5);
        depth = opening.z() + v;
    }

    /** The end face, mouth and flank of a side pipe that reaches {@code protrusion} into the main one. */
    private boolean protruding(float u2, float v2, float ox, float oy, float dx, float dy, float dz) {
        float inner = 1 - opening.protrusion();
        float cx = ox - axisX;
        float cy = oy - axisY;
        float a = dx * dx + dy * dy + 1e-9f;
        float half = cx * dx + cy * dy;
        float c = cx * cx + cy * cy - inner * inner;
        if (c >= 0) {
            return false;
        }
        float t = (-half + (float) Math.sqrt(half * half - a * c)) / a;
        float x = cx + t * dx;
        float y = cy + t * dy;
        float u1 = Angles.wrap(Angles.fromInvert(x, y) - opening.theta()) * inner;
        float v1 = t * dz - opening.z();
        float turn = Angles.fromInvert(u1, v1) / Angles.TURN + 0.5f;
        float ragged = 1 + opening.jaggedness() * noise.fractal(turn, 0.5f, 9, 3, opening.seed());
        float d = (float) Math.sqrt(u1 * u1 + v1 * v1);
        if (d < radius * ragged) {
            float radial = Math.max(0.02f, (x * dx + y * dy) / inner);
            bore(u1, v1, (y * dx - x * dy) / inner / radial, dz / radial - opening.slant());
            depth = t * dz;
            return true;
        }
        if (d < outer * ragged) {
            rim(v1, (d - radius * ragged) / (outer - radius), turn);
            cover = 1;
            depth = t * dz;
            return true;
        }
        return flank(u1, v1, u2, v2);
    }

    private boolean flank(float u1, float v1, float u2, float v2) {
        float du = u2 - u1;
        float dv = v2 - v1;
        float a = du * du + dv * dv + 1e-9f;
        float half = u1 * du + v1 * dv;
        float c = u1 * u1 + v1 * v1 - outer * outer;
        float root = half * half - a * c;
        if (root < 0) {
            return false;
        }
        float s = (-half - (float) Math.sqrt(root)) / a;
        if (s < 0 || s > 1) {
            return false;
        }
        float facing = -(v1 + s * dv) / outer;
        float tone = 0.35f + 1.1f * Math.max(0, facing);
        tone *= 1 + 0.4f * noise.plane((u1 + s * du) * 20, s * 6, opening.seed() + 11) - 0.2f;
        r = opening.rimRgb()[0] * tone;
        g = opening.rimRgb()[1] * tone;
        b = opening.rimRgb()[2] * tone;
        cover = 1;
        depth = opening.z() + v1 + s * dv;
        return true;
    }
}
