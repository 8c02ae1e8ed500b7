package io.culvert.train;

import io.culvert.CulvertException;

/**
 * Newton's method with conjugate gradients inside (Nocedal and Wright, Numerical Optimization, algorithm 7.1) for
 * {@link LogisticLoss}, which is strictly convex in the weights: Hessians only ever multiply, so the cost is that of
 * passes over the features.
 */
final class NewtonCg {
    private static final int MAX_STEPS = 100;
    private static final double TOLERANCE = 1e-9;
    private static final double ARMIJO = 1e-4;
    private static final double SHORTEST = 1e-9;
    /** Where rounding ends the line search, a gradient up to this share of the first one counts as zero. */
    private static final double ROUNDING = 1e-6;

    private final LogisticLoss loss;
    private final double lambda;
    private final double[] gradient;
    private final double[] direction;
    private final double[] residual;
    private final double[] conjugate;
    private final double[] image;

    private NewtonCg(LogisticLoss loss, double lambda) {
        this.loss = loss;
        this.lambda = lambda;
        this.gradient = new double[loss.size()];
        this.direction = new double[loss.size()];
        this.residual = new double[loss.size()];
        this.conjugate = new double[loss.size()];
        this.image = new double[loss.size()];
    }

    /**
     * Moves {@code parameters} to the minimum: the norm of the gradient falls to 1e-9 of that at zero.
     *
     * @throws CulvertException of kind DIVERGED when it does not get there
     */
    static void minimize(LogisticLoss loss, double lambda, double[] parameters) {
        new NewtonCg(loss, lambda).run(parameters);
    }

    private void run(double[] parameters) {
        loss.evaluate(new double[parameters.length], lambda, gradient);
        double scale = norm(gradient);
        double value = loss.evaluate(parameters, lambda, gradient);
        for (int step = 0; step < MAX_STEPS && norm(gradient) > TOLERANCE * scale; step++) {
            solve(Math.min(0.5, Math.sqrt(norm(gradient) / scale)));
            double next = descend(parameters, value);
            if (Double.isNaN(next)) {
                break;
            }
            value = next;
        }
        // Written so that a NaN fails too.
        if (!(norm(gradient) <= ROUNDING * scale)) {
            throw CulvertException.diverged("the linear probe did not converge at lambda %g: gradient %g of %g; use a "
                    + "larger lambda", lambda, norm(gradient), scale);
        }
    }

    /** Approximately solves {@code H direction = -gradient} until the residual is this share of the gradient. */
    private void solve(double forcing) {
        double squared = 0;
        for (int j = 0; j < direction.length; j++) {
            direction[j] = 0;
            residual[j] = gradient[j];
            conjugate[j] = -gradient[j];
            squared += residual[j] * residual[j];
        }
        double target = forcing * forcing * squared;
        for (int k = 0; k < 10 * direction.length && squared > target; k++) {
            loss.hessianTimes(conjugate, lambda, image);
            double along = dot(conjugate, image);
            if (along <= 0) {
                // Only rounding makes a convex loss look flat or concave; what is solved so far is a descent direction.
                break;
            }
            double length = squared / along;
            double before = squared;
            squared = 0;
            for (int j = 0; j < direction.length; j++) {
                direction[j] += length * conjugate[j];
                residual[j] += length * image[j];
                squared += residual[j] * residual[j];
            }
            for (int j = 0; j < direction.length; j++) {
                conjugate[j] = -residual[j] + squared / before * conjugate[j];
            }
        }
    }

    /** Backtracks from a full step to a sufficient decrease; NaN, parameters as before, when rounding leaves none. */
    private double descend(double[] parameters, double value) {
        double slope = dot(gradient, direction);
        double[] start = parameters.clone();
        for (double length = 1; length >= SHORTEST; length /= 2) {
            for (int j = 0; j < parameters.length; j++) {
                parameters[j] = start[j] + length * direction[j];
            }
            double next = loss.evaluate(parameters, lambda, gradient);
            if (next <= value + ARMIJO * length * slope) {
                return next;
            }
        }
        System.arraycopy(start, 0, parameters, 0, start.length);
        loss.evaluate(parameters, lambda, gradient);
        return Double.NaN;
    }

    private static double norm(double[] a) {
        return Math.sqrt(dot(a, a));
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int j = 0; j < a.length; j++) {
            sum += a[j] * b[j];
        }
        return sum;
    }
}
