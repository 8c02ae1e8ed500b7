package io.culvert.profile;

import java.util.List;

/** What was recorded of a training. */
public record Recording(
        Profiler.Settings settings,
        Subject subject,
        StepClock clock,
        List<LoaderClock> loaders,
        StackSampler sampler,
        List<GcPauses.Pause> pauses) {
    List<StepClock.Step> timed() {
        return clock.steps().stream().filter(StepClock.Step::timed).toList();
    }

    List<StepClock.Step> untimed() {
        return clock.steps().stream().filter(step -> !step.timed()).toList();
    }
}
