package dev.anneal.eval.selftest;

import dev.anneal.device.Device;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.eval.selftest.Finding.Skipped;
import dev.anneal.eval.selftest.Report.Outcome;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Holds all that a device computes against the reference, check by check. A check that ends with an
 * error is one report; the others go on where the device still answers, or else on the device
 * opened anew.
 */
public final class SelfTest implements AutoCloseable {
  /**
   * What to check.
   *
   * @param precisions all that the device has when empty
   * @param names of checks, or how they begin; all when empty
   * @param seed of the random numbers
   * @param quick small shapes alone, for devices that are slow
   */
  public record Settings(List<Precision> precisions, List<String> names, long seed, boolean quick) {
    public Settings {
      precisions = List.copyOf(precisions);
      names = List.copyOf(names);
    }

    private boolean wants(Check check) {
      return names.isEmpty() || names.stream().anyMatch(check.name()::startsWith);
    }
  }

  /** Other precisions store logits as one of these does. */
  private static final List<Precision> LARGE = List.of(Precision.FP32, Precision.BF16);

  private final Device cpu;
  private final Supplier<Device> opens;
  private final Settings settings;
  private Device device;
  private boolean open = true;

  /** Why no more can be checked. */
  private Optional<String> lost = Optional.empty();

  /**
   * @param cpu the reference of training steps; it is not closed
   * @param opens the device, again when it does not answer any more
   */
  public SelfTest(Device cpu, Supplier<Device> opens, Settings settings) {
    this.cpu = cpu;
    this.opens = opens;
    this.settings = settings;
    this.device = opens.get();
  }

  /** The device as it is open now. */
  public Device device() {
    return device;
  }

  /**
   * Makes all checks.
   *
   * @param onReport hears of each when it has ended
   */
  public void run(Consumer<Report> onReport, BooleanSupplier cancelled) {
    List<Check> checks = checks().stream().filter(settings::wants).toList();
    if (checks.isEmpty()) {
      throw Failure.usage(
          "no check of "
              + device.info().backend()
              + " begins with "
              + String.join(" or ", settings.names())
              + "; without a name, selftest makes and lists all");
    }
    for (Check check : checks) {
      if (cancelled.getAsBoolean()) {
        return;
      }
      onReport.accept(
          lost.map(why -> report(check, new Skipped(why), 0)).orElseGet(() -> made(check)));
    }
  }

  /** The names of the checks that it makes, each once. */
  public List<String> names() {
    return checks().stream().filter(settings::wants).map(Check::name).distinct().toList();
  }

  private List<Check> checks() {
    List<Precision> precisions =
        settings.precisions().isEmpty()
            ? device.precisions().stream().sorted().toList()
            : settings.precisions();
    List<Check> checks = new ArrayList<>();
    for (Precision precision : precisions) {
      checks.addAll(OpChecks.alone(device, precision, settings));
      checks.addAll(OpChecks.together(device, precision, settings));
      checks.addAll(new StepChecks(cpu, settings).of(precision));
    }
    // Last, since they take the most memory.
    precisions.stream()
        .filter(LARGE::contains)
        .map(precision -> LargeLogits.check(precision, settings))
        .forEach(checks::add);
    return checks;
  }

  private Report made(Check check) {
    long start = System.nanoTime();
    try {
      Finding finding = check.body().on(device);
      return report(check, finding, (System.nanoTime() - start) / 1e6);
    } catch (RuntimeException e) {
      double millis = (System.nanoTime() - start) / 1e6;
      lost = DeviceAnswer.lost(device) ? openAgain() : Optional.empty();
      return failed(check, line(e), millis);
    }
  }

  private Optional<String> openAgain() {
    close();
    try {
      device = opens.get();
      open = true;
      return DeviceAnswer.lost(device)
          ? Optional.of("the device does not answer any more")
          : Optional.empty();
    } catch (RuntimeException e) {
      return Optional.of("the device does not answer any more: " + line(e));
    }
  }

  private static Report report(Check check, Finding finding, double millis) {
    return switch (finding) {
      case Measured measured ->
          new Report(
              check.name(),
              dtype(check),
              measured.within() ? Outcome.OK : Outcome.WRONG,
              Optional.of(measured),
              millis,
              measured.where());
      case Skipped(String reason) ->
          new Report(
              check.name(),
              dtype(check),
              Outcome.SKIPPED,
              Optional.empty(),
              millis,
              Optional.of(reason));
    };
  }

  private static Report failed(Check check, String reason, double millis) {
    return new Report(
        check.name(), dtype(check), Outcome.FAILED, Optional.empty(), millis, Optional.of(reason));
  }

  /** An error that is no failure of a device or a library is one of ours. */
  private static String line(RuntimeException e) {
    String message = e instanceof Failure failure ? failure.unspelled() : e.toString();
    return message.lines().findFirst().orElse("");
  }

  private static String dtype(Check check) {
    return check.precision().name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      try {
        device.close();
      } catch (RuntimeException e) {
        // What was lost may refuse to be closed.
      }
    }
  }
}
