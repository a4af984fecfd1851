package dev.anneal.eval;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.device.ProgramCosts;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.model.Models;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.training.StepRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a bench does to find the best version, on devices that say how long they took. */
class KernelBenchTest {
  private static final KernelFamily GELU =
      KernelFamily.of(
          "gelu_forward", Op.GeluForward.class, "plain", "packs", "and the next op, too");

  /** Runs take as many nanoseconds as they are told to. */
  private interface Clock {
    double nanos(Plan plan, int version, int runs);
  }

  /** The CPU with versions that all compute the same. */
  private static final class Versioned extends DeviceOnCpu {
    private final Map<String, Integer> versions = new TreeMap<>(Map.of(GELU.name(), 3));
    private final List<Plan> compiled = new ArrayList<>();
    private final List<KernelFamily> families;
    private final Clock clock;
    private final Map<Integer, String> code;
    private int runs;

    /**
     * @param code what each version is told to the device as; an op after it is done in the same go
     *     by one that ends with a plus
     */
    Versioned(List<KernelFamily> families, Map<Integer, String> code, Clock clock) {
      super(DeviceOptions.threads(1));
      this.families = families;
      this.code = code;
      this.clock = clock;
    }

    @Override
    public List<KernelFamily> kernels() {
      return families;
    }

    @Override
    public Map<String, Integer> kernelVersions() {
      return Map.copyOf(versions);
    }

    @Override
    public void chooseKernels(Map<String, Integer> chosen) {
      versions.putAll(chosen);
    }

    @Override
    public Program compile(Plan plan, Map<Arena, Memory> memory) {
      compiled.add(plan);
      Program program = cpu.compile(plan, memory);
      int version = requireNonNull(versions.get(GELU.name()));
      return new Program() {
        @Override
        public Plan plan() {
          return plan;
        }

        @Override
        public void run() {
          program.run();
        }

        @Override
        public double runTimed() {
          return clock.nanos(plan, version, runs++);
        }

        @Override
        public OpTimings timings() {
          return program.timings();
        }

        @Override
        public void resetTimings() {
          program.resetTimings();
        }

        @Override
        public void close() {
          program.close();
        }
      };
    }

    @Override
    public Optional<ProgramCosts> costs(Plan plan) {
      List<ProgramCosts.Command> commands = new ArrayList<>();
      boolean done = false;
      for (Op op : plan.ops()) {
        if (op instanceof Op.GeluForward) {
          String kernel = requireNonNull(code.get(versions.get(GELU.name())));
          done = kernel.endsWith("+") && plan.ops().size() > 1;
          String kind = done ? op.kind() + " + next" : op.kind();
          String name = done ? kernel : kernel.replace("+", "");
          commands.add(new ProgramCosts.Command(kind, name, ProgramCosts.By.KERNEL, 0, 0));
        } else if (!done) {
          commands.add(new ProgramCosts.Command(op.kind(), "k", ProgramCosts.By.KERNEL, 0, 0));
        } else {
          done = false;
        }
      }
      return Optional.of(new ProgramCosts(commands, 0, new ProgramCosts.Calls(1, 1, 1, 1, 1)));
    }
  }

  private final List<KernelBench.Version> seen = new ArrayList<>();

  private int best(Versioned device, Versioned reference) {
    StepRecipe step =
        new StepRecipe(new Gpt2.Config(1, 1, 16, 8, 31).model(), 2, 8, Precision.FP32);
    new KernelBench(reference, device)
        .run(List.of(GELU), step, new OpBench.Limits(1, 1), seen::add, () -> false);
    assertEquals(3, device.kernelVersions().get(GELU.name()), "left as it was");
    return requireNonNull(KernelBench.fastest(seen).get(GELU.name()));
  }

  private static Versioned reference() {
    return new Versioned(List.of(), Map.of(), (plan, version, runs) -> 1);
  }

  /** However wild the clock, and however long it runs. */
  @Test
  void versionsOfTheSameCodeTieAndTheLastIsTaken() {
    Map<Integer, String> code = Map.of(1, "plain", 2, "packs", 3, "packs");
    Clock slower = (plan, version, runs) -> version == 1 ? 1e9 : 1e3 * (1 + runs);
    try (Versioned device = new Versioned(List.of(GELU), code, slower);
        Versioned cpu = reference()) {
      assertEquals(3, best(device, cpu));
      assertEquals(seen.get(1).nanos(), seen.get(2).nanos());
    }
  }

  /** Alone, the third does what the second does and takes longer. */
  @Test
  void whatDoesAnotherOpTooIsTimedInAStep() {
    Map<Integer, String> code = Map.of(1, "plain", 2, "packs", 3, "more+");
    Clock clock =
        (plan, version, runs) -> {
          boolean alone = plan.name().equals("bench");
          return switch (version) {
            case 1 -> 4e9;
            case 2 -> alone ? 1e9 : 9e9;
            default -> alone ? 2e9 : 8e9;
          };
        };
    try (Versioned device = new Versioned(List.of(GELU), code, clock);
        Versioned cpu = reference()) {
      assertEquals(3, best(device, cpu));
      assertTrue(seen.get(1).nanos() < seen.get(2).nanos());
      assertEquals(Optional.empty(), seen.get(0).step(), "hopeless, and never run in a step");
      assertEquals(Optional.of(8e9), seen.get(2).step().map(KernelBench.Step::nanos));
    }
  }

  /** A CPU may need minutes for a step that a GPU makes a hundred times a second. */
  @Test
  void theReferenceRunsAsOftenForManyVersionsAsForOne() {
    Map<Integer, String> code = Map.of(1, "a", 2, "b", 3, "c");
    Clock clock = (plan, version, runs) -> 1e9;
    KernelFamily one = KernelFamily.of(GELU.name(), GELU.op(), "plain");
    List<Integer> compiled = new ArrayList<>();
    for (KernelFamily family : List.of(one, GELU)) {
      try (Versioned device = new Versioned(List.of(family), code, clock);
          Versioned cpu = reference()) {
        StepRecipe step =
            new StepRecipe(new Gpt2.Config(1, 1, 16, 8, 31).model(), 2, 8, Precision.FP32);
        new KernelBench(cpu, device)
            .run(List.of(family), step, new OpBench.Limits(1, 1), seen::add, () -> false);
        compiled.add(cpu.compiled.size());
      }
    }
    assertEquals(compiled.getFirst(), compiled.getLast());
    assertEquals(4, seen.size());
    assertTrue(seen.stream().allMatch(KernelBench.Version::correct));
  }

  /** 124M at B = 64, T = 1024 is 50 TFLOP a step, of which a CPU makes a hundredth in a second. */
  @Test
  void theReferenceMakesNoStepThatTakesItMinutes() {
    Model large = Models.named("gpt2-124M").model();
    StepRecipe checked = VersionErrors.small(new StepRecipe(large, 64, 1024, Precision.BF16));
    assertEquals(768, checked.model().channels());
    assertEquals(64, checked.model().headSize());
    double flops = 6.0 * checked.model().parameterCount() * checked.batch() * checked.sequence();
    assertTrue(flops < 1e11, flops + "");
  }
}
