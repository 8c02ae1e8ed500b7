package io.culvert.train;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** States a key of the configuration beside its record component: default, meaning and range, each said once. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Key {
    /** A default that says the user must give the key. */
    String REQUIRED = "<required>";

    /** The default, as YAML would have it; empty for an optional number that is absent. */
    String value() default "";

    /** What the key does, with its unit; for a section, what it holds. */
    String doc();

    /** The least value of a number. */
    double min() default Double.NEGATIVE_INFINITY;

    /** The greatest value of a number. */
    double max() default Double.POSITIVE_INFINITY;

    /** Whether a number must exceed zero. */
    boolean positive() default false;
}
