package dev.anneal.gpu;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Product;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Tries the algorithms that a library offers for a product, on the addresses that a program will
 * use: each runs a few times between events, and the fastest is taken that gives equal bits twice.
 * What a library estimates beforehand is off by a tenth or two, and it says of no algorithm for
 * sure that it repeats its bits.
 */
public final class ProductTrials {
  /** Runs that are timed; the median counts. */
  private static final int RUNS = 5;

  /** An algorithm whose first run takes so many times the fastest's is timed no further. */
  private static final double HOPELESS = 2;

  /** What two times of one algorithm differ by: within it, the library's own order stays. */
  private static final double NOISE = 0.02;

  /** Nanoseconds of trials for one program; what is not tried by then has the library's first. */
  private static final long BUDGET = 60_000_000_000L;

  private final Driver driver;
  private final KeptAlgorithms kept;
  private final TrialScope scope;
  private final boolean deterministic;
  private final long budget;
  private long end;

  /**
   * @param cache where results are kept
   * @param where the device and its driver, on which they depend
   * @param deterministic whether an algorithm must give the same bits every time
   */
  public ProductTrials(
      Driver driver, CacheDirectory cache, String where, TrialScope scope, boolean deterministic) {
    this(driver, cache, where, scope, deterministic, BUDGET);
  }

  /** With so many nanoseconds for a program. */
  ProductTrials(
      Driver driver,
      CacheDirectory cache,
      String where,
      TrialScope scope,
      boolean deterministic,
      long budget) {
    this.budget = budget;
    this.driver = driver;
    this.kept = new KeptAlgorithms(cache, where);
    this.scope = scope;
    this.deterministic = deterministic;
  }

  /** An algorithm that is offered. */
  interface Candidate {
    /** Tells the stream; what the library says when it refuses. */
    Optional<String> enqueue();
  }

  /** How a trial ended. */
  sealed interface Outcome {}

  /**
   * @param index of the chosen one among those that were offered
   * @param dropped those that were refused, or gave other bits
   * @param nanos that it took
   * @param firstNanos that the first took; 0 when it was dropped
   */
  record Chosen(int index, int tried, int dropped, double nanos, double firstNanos)
      implements Outcome {}

  /** All were dropped. */
  record NoneRuns(String why) implements Outcome {}

  /** There was no memory or no time for it. */
  record NotTried(String why) implements Outcome {}

  /** What is found is good for, beside the library: nobody takes it who wants the same bits. */
  String condition() {
    return deterministic ? "" : ", any bits";
  }

  /** What other processes found. */
  KeptAlgorithms kept() {
    return kept;
  }

  /** Whether several algorithms are to be tried for it. */
  boolean wants(Product product) {
    return scope.has(product);
  }

  /** From now on there is time for another program's trials. */
  void begin() {
    end = System.nanoTime() + budget;
  }

  /** Runs all of {@code offered}; memory is as it was afterwards. */
  Outcome choose(Product product, List<? extends Candidate> offered) {
    if (System.nanoTime() - end > 0) {
      return new NotTried("there was no more time to try");
    }
    driver.enter();
    driver.synchronize("making ready to try algorithms");
    try (TriedOperands operands = new TriedOperands(driver, product);
        Driver.Events events = driver.events(RUNS + 1)) {
      return new Trial(operands, events, offered).outcome();
    } catch (OutOfMemoryError e) {
      return new NotTried("the host has no memory to keep what is on the device");
    } catch (Failure e) {
      if (e.exitCode() == ExitCode.BACKEND) {
        throw e;
      }
      return new NotTried(e.getMessage());
    }
  }

  /** One product's. */
  private final class Trial {
    private final TriedOperands operands;
    private final Driver.Events events;
    private final List<? extends Candidate> offered;
    private final List<Timed> timed = new ArrayList<>();
    private double least = Double.MAX_VALUE;
    private int tried;
    private int dropped;
    private String said = "";

    private record Timed(int index, double nanos) {}

    private Trial(TriedOperands operands, Driver.Events events, List<? extends Candidate> offered) {
      this.operands = operands;
      this.events = events;
      this.offered = offered;
    }

    private Outcome outcome() {
      for (int i = 0; i < offered.size() && System.nanoTime() - end <= 0; i++) {
        tried++;
        time(i);
      }
      double first =
          timed.stream()
              .filter(t -> t.index() == 0)
              .mapToDouble(Timed::nanos)
              .findFirst()
              .orElse(0);
      timed.sort(Comparator.comparingDouble(t -> t.nanos() * (t.index() == 0 ? 1 - NOISE : 1)));
      for (Timed next : timed) {
        if (!deterministic || repeats(offered.get(next.index()))) {
          return new Chosen(next.index(), tried, dropped, next.nanos(), first);
        }
        dropped++;
      }
      return new NoneRuns(said.isEmpty() ? "none gives the same bits twice" : said);
    }

    private void time(int index) {
      Candidate candidate = offered.get(index);
      // The first run loads what the others find loaded.
      Optional<String> refused = candidate.enqueue();
      if (refused.isPresent()) {
        dropped++;
        said = refused.get();
        return;
      }
      double once = run(candidate, 1);
      double nanos = once > HOPELESS * least ? once : run(candidate, RUNS);
      least = Math.min(least, nanos);
      timed.add(new Timed(index, nanos));
    }

    /** The median. */
    private double run(Candidate candidate, int times) {
      events.record(0);
      for (int i = 0; i < times; i++) {
        candidate.enqueue();
        events.record(i + 1);
      }
      driver.synchronize(
          "trying algorithms of a product (" + TrialScope.VARIABLE + "=off tries none)");
      double[] nanos = new double[times];
      for (int i = 0; i < times; i++) {
        nanos[i] = events.millisecondsAfter(i) * 1e6;
      }
      Arrays.sort(nanos);
      return nanos[times / 2];
    }

    private boolean repeats(Candidate candidate) {
      return bits(candidate).equals(bits(candidate));
    }

    private List<Long> bits(Candidate candidate) {
      operands.again();
      candidate.enqueue();
      return operands.bits();
    }
  }
}
