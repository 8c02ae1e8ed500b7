package io.culvert;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * One flow, one direction: a package uses packages of lower layers, and beside them only the leaves. Packages of one
 * layer do not know each other.
 */
class LayersTest {
    private static final List<Set<String>> LAYERS = List.of(
            Set.of("cli"),
            Set.of("study"),
            Set.of("verify", "report"),
            Set.of("train"),
            Set.of("data", "optim", "method"),
            Set.of("model"),
            Set.of("ops"),
            Set.of("tensor"),
            Set.of("device"),
            Set.of("bindings"));

    /** Packages that know nothing of the layers, so that all layers may know them. */
    private static final Set<String> LEAVES = Set.of("metric", "profile", "ranks", "safetensors", "tensorboard", "emulator", "");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.culvert");

    /** The part of the package's name after {@code io.culvert}: {@code data} for {@code io.culvert.data.augment}. */
    private static String part(JavaClass type) {
        String name = type.getPackageName();
        String inside = name.equals("io.culvert") ? "" : name.substring("io.culvert.".length());
        return inside.contains(".") ? inside.substring(0, inside.indexOf('.')) : inside;
    }

    private static boolean isOurs(JavaClass type) {
        return type.getPackageName().equals("io.culvert")
                || type.getPackageName().startsWith("io.culvert.");
    }

    private static DescribedPredicate<JavaClass> in(Set<String> parts) {
        return describe("in " + new TreeSet<>(parts), type -> isOurs(type) && parts.contains(part(type)));
    }

    @Test
    void everyPackageHasItsPlace() {
        Set<String> placed = new TreeSet<>(LEAVES);
        LAYERS.forEach(placed::addAll);
        Set<String> found = new TreeSet<>();
        CLASSES.forEach(type -> found.add(part(type)));
        assertThat(placed).as("a new package needs a layer here").containsAll(found);
    }

    @Test
    void layersUseOnlyLowerOnes() {
        Set<String> notBelow = new TreeSet<>();
        for (Set<String> layer : LAYERS) {
            notBelow.addAll(layer);
            for (String part : layer) {
                Set<String> forbidden = new TreeSet<>(notBelow);
                forbidden.remove(part);
                noClasses()
                        .that(in(Set.of(part)))
                        .should()
                        .dependOnClassesThat(in(forbidden))
                        .allowEmptyShould(true)
                        .check(CLASSES);
            }
        }
    }

    @Test
    void leavesUseOnlyTheRoot() {
        for (String leaf : LEAVES) {
            List<String> others = new ArrayList<>(LEAVES);
            LAYERS.forEach(others::addAll);
            others.removeAll(List.of(leaf, ""));
            noClasses()
                    .that(in(Set.of(leaf)))
                    .should()
                    .dependOnClassesThat(in(Set.copyOf(others)))
                    .allowEmptyShould(true)
                    .check(CLASSES);
        }
    }

    /** Rule R3. */
    @Test
    void onlyTheDevicesSpeakC() {
        noClasses()
                .that(describe(
                        "outside device.cpu, device.cuda and the bindings",
                        type -> !type.getPackageName()
                                .matches("io\\.culvert\\.(device\\.(cpu|cuda)|bindings)(\\..*)?")))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.culvert.bindings..")
                .check(CLASSES);
    }
}
