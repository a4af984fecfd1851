package dev.anneal.style;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.anneal.failure.Failure;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Backward;
import dev.anneal.plan.Rewrite;
import dev.anneal.training.RewritePipeline;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.TrainingPlans;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The layers of docs/architecture.md. */
@Execution(ExecutionMode.CONCURRENT)
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("dev.anneal");

  @Test
  void layersImportOnlyDownward() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("dev.anneal..")
        .layer("terminal")
        .definedBy("dev.anneal.terminal..")
        .layer("library")
        .definedBy("dev.anneal")
        .layer("run")
        .definedBy("dev.anneal.run..")
        .layer("model")
        .definedBy(
            "dev.anneal.model..",
            "dev.anneal.optimizer..",
            "dev.anneal.training..",
            "dev.anneal.generation..",
            "dev.anneal.eval..",
            "dev.anneal.data..",
            "dev.anneal.tokenizer..",
            "dev.anneal.checkpoint..",
            "dev.anneal.huggingface..",
            "dev.anneal.setting..")
        .layer("backends")
        .definedBy(
            "dev.anneal.plan..",
            "dev.anneal.device..",
            "dev.anneal.cpu..",
            "dev.anneal.opencl..",
            "dev.anneal.cuda..",
            "dev.anneal.hip..",
            "dev.anneal.gpu..",
            "dev.anneal.launch..",
            "dev.anneal.cache..",
            "dev.anneal.reference..",
            "dev.anneal.ops..",
            "dev.anneal.random..",
            "dev.anneal.failure..")
        .whereLayer("terminal")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("library")
        .mayOnlyBeAccessedByLayers("terminal")
        .whereLayer("run")
        .mayOnlyBeAccessedByLayers("library", "terminal")
        .whereLayer("model")
        .mayOnlyBeAccessedByLayers("run", "library", "terminal")
        .check(CLASSES);
  }

  @Test
  void theRoomsOfARunImportOneWay() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("dev.anneal.run..")
        .layer("run")
        .definedBy("dev.anneal.run")
        .layer("store")
        .definedBy("dev.anneal.run.store")
        .layer("config")
        .definedBy("dev.anneal.run.config")
        .layer("log")
        .definedBy("dev.anneal.run.log")
        .whereLayer("run")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("store")
        .mayOnlyBeAccessedByLayers("run")
        .whereLayer("config")
        .mayOnlyBeAccessedByLayers("run", "store")
        .whereLayer("log")
        .mayOnlyBeAccessedByLayers("run", "store")
        .check(CLASSES);
  }

  @Test
  void theRoomsOfTheTerminalImportOneWay() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("dev.anneal.terminal..")
        .layer("start")
        .definedBy("dev.anneal.terminal")
        .layer("repl")
        .definedBy("dev.anneal.terminal.repl")
        .layer("command")
        .definedBy("dev.anneal.terminal.command")
        .layer("live")
        .definedBy("dev.anneal.terminal.live")
        .layer("report")
        .definedBy("dev.anneal.terminal.report")
        .layer("option")
        .definedBy("dev.anneal.terminal.option")
        .layer("shell")
        .definedBy("dev.anneal.terminal.shell")
        .layer("screen")
        .definedBy("dev.anneal.terminal.screen")
        .layer("pictures")
        .definedBy(
            "dev.anneal.terminal.dashboard",
            "dev.anneal.terminal.plot",
            "dev.anneal.terminal.frame",
            "dev.anneal.terminal.text")
        .whereLayer("start")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("repl")
        .mayOnlyBeAccessedByLayers("start")
        .whereLayer("command")
        .mayOnlyBeAccessedByLayers("start")
        .whereLayer("live")
        .mayOnlyBeAccessedByLayers("command")
        .whereLayer("report")
        .mayOnlyBeAccessedByLayers("command", "live")
        .whereLayer("option")
        .mayOnlyBeAccessedByLayers("command", "live", "report")
        .whereLayer("screen")
        .mayOnlyBeAccessedByLayers("start", "repl")
        .whereLayer("pictures")
        .mayNotAccessAnyLayer()
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.anneal.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  /** What Java code and JShell use brings no terminal with it. */
  @Test
  void theEngineKnowsNoTerminal() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.anneal.terminal..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.anneal.terminal..",
            "org.jline..",
            "com.googlecode.lanterna..",
            "org.knowm..",
            "picocli..",
            "java.awt..",
            "javax.swing..")
        .check(CLASSES);
  }

  /** But for the compiler's own process, whose output its parent reads. */
  @Test
  void theEnginePrintsNothing() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.anneal.terminal..")
        .and()
        .doNotHaveSimpleName("HipCompilerProcess")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(Throwable.class, "printStackTrace")
        .check(CLASSES);
  }

  /** Or its reader would see names of settings where there are options. */
  @Test
  void theTerminalSpellsFailures() {
    noClasses()
        .that()
        .resideInAPackage("dev.anneal.terminal..")
        .should()
        .callMethod(Failure.class, "getMessage")
        .check(CLASSES);
  }

  @Test
  void plansKnowNoDevice() {
    noClasses()
        .that()
        .resideInAPackage("dev.anneal.plan..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.anneal.device..",
            "dev.anneal.cpu..",
            "dev.anneal.opencl..",
            "dev.anneal.cuda..",
            "dev.anneal.hip..")
        .check(CLASSES);
  }

  /**
   * So that what one command prints, checks or times is what another trains with. Single ops are
   * stored in other formats without a model or a plan.
   */
  @Test
  void everyPlanOfAModelHasItsRewritesFromThePipeline() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(RewritePipeline.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(OpRun.class.getName())
        .should()
        .callMethodWhere(
            target(owner(assignableTo(Rewrite.class)))
                .and(target(name("apply").or(name("accumulateGradients")))))
        .check(CLASSES);
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(StepRecipe.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(TrainingPlans.class.getName())
        .should()
        .callCodeUnitWhere(
            target(owner(type(TrainingPlans.class)))
                .and(target(name("of").or(name(JavaConstructor.CONSTRUCTOR_NAME)))))
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.anneal.training..")
        .should()
        .callMethodWhere(target(owner(type(Backward.class))).and(target(name("derive"))))
        .check(CLASSES);
  }

  /** So that another vendor is its driver and, if its language is another, its kernels. */
  @Test
  void launchesKnowNoDriver() {
    noClasses()
        .that()
        .resideInAPackage("dev.anneal.launch..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.anneal.gpu..",
            "dev.anneal.cpu..",
            "dev.anneal.opencl..",
            "dev.anneal.cuda..",
            "dev.anneal.hip..")
        .check(CLASSES);
  }

  /** So that another family is a file and a line: all else speaks to Model and ModelConfig. */
  @Test
  void onlyFormatsOfGpt2KnowIt() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.anneal.model..")
        .and()
        .haveNameNotMatching("dev\\.anneal\\.(checkpoint\\.Llmc.*|huggingface\\.HubGpt2)")
        .should()
        .dependOnClassesThat()
        .haveNameMatching("dev\\.anneal\\.model\\.Gpt2.*")
        .check(CLASSES);
  }

  @Test
  void noNameSaysNothing() {
    noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Common)").check(CLASSES);
  }
}
