package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.AnnealProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Steps whose micro-steps are told to a GPU without a wait. The double does what it is told when it
 * is waited for, so that inputs that were changed too early, or losses that were read too early,
 * are wrong ones.
 */
@ResourceLock("double of CUDA")
class QueuedStepsTest extends OnGpuDouble {
  QueuedStepsTest() {
    super("cuda", "libcuda.so.1", "libnvrtc.so.13");
  }

  private static final String TRAIN =
      "train --val-every 0 --sample-tokens 0 --checkpoint-every 0 --backend ";

  private List<Double> losses(String backend, String run) throws Exception {
    // Eleven micro-steps: more than inputs are staged at once.
    String line =
        TRAIN + backend + " --steps 4 --total-batch 352" + SHAPE + data + " --out " + temp;
    return events(run(line + "/" + run), "step").map(step -> step.get("loss").asDouble()).toList();
  }

  @Test
  void manyMicroStepsGiveTheLossesThatTheCpuHas() throws Exception {
    List<Double> cpu = losses("cpu", "a");
    List<Double> gpu = losses("cuda", "b");
    assertEquals(4, gpu.size());
    for (int i = 0; i < 4; i++) {
      assertEquals(cpu.get(i), gpu.get(i), 1e-4);
    }
    assertEquals(gpu, losses("cuda", "c"));
  }

  @Test
  void aSteadyStepCallsTheDriverAsOftenAsPlanSaysWhichIsAtMostTwelve() throws Exception {
    Path calls = temp.resolve("calls");
    Result trained =
        anneal(
            TRAIN + "cuda --steps 6 --out " + temp.resolve("run") + SHAPE + data,
            Map.of("ANNEAL_DOUBLE_CALLS", calls.toString()));
    assertEquals(0, trained.code(), trained.err());
    // The first step is no graph; those of the second are made then. From there on, each update
    // and the gradients that follow it are a step.
    List<Integer> graphs = Files.readAllLines(calls).stream().map(Integer::valueOf).toList();
    List<Integer> steps =
        IntStream.range(1, graphs.size() / 2 - 1)
            .mapToObj(i -> graphs.get(2 * i + 1) + graphs.get(2 * i + 2))
            .toList();
    int planned =
        run("plan --device-costs --backend cuda --layers 1").getFirst().get("driver_calls").asInt();
    assertEquals(List.of(planned, planned, planned), steps);
    assertTrue(planned <= 12, "calls: " + planned);
  }
}
