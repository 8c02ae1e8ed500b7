/**
 * Where the time of training goes. {@link io.culvert.profile.Profiler} is the switch that {@code culvert profile} sets;
 * the training loop laps a {@link io.culvert.profile.StepClock}, each of the loader's threads a
 * {@link io.culvert.profile.LoaderClock}. What they recorded is a {@link io.culvert.profile.Recording};
 * {@link io.culvert.profile.Analysis} adds it up and {@link io.culvert.profile.ProfileFiles} writes it. The events are Java Flight
 * Recorder's and need no profiler.
 */
package io.culvert.profile;
