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
   * @param seed of the random numbers
   * @param quick small shapes alone, for devices that are slow
   */
  public record Settings(List<Precision> precisions, long seed, boolean quick) {
    public Settings {
      precisions = List.copyOf(precisions);
    }
  }

  private final Supplier<Device> opens;
  private final Settings settings;
  private Device device;

  /** Why no more can be checked. */
  private Optional<String> lost = Optional.empty();

  /**
   * @param opens the device, again when it does not answer any more
   */
  public SelfTest(Supplier<Device> opens, Settings settings) {
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
    for (Check check : checks()) {
      if (cancelled.getAsBoolean()) {
        return;
      }
      onReport.accept(
          lost.map(why -> report(check, new Skipped(why), 0)).orElseGet(() -> made(check)));
    }
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
    }
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
    try {
      device.close();
    } catch (RuntimeException e) {
      // What is lost may refuse to be closed.
    }
    try {
      device = opens.get();
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
    String message = e instanceof Failure failure ? failure.getMessage() : e.toString();
    return message.lines().findFirst().orElse("");
  }

  private static String dtype(Check check) {
    return check.precision().name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    device.close();
  }
}
