package dev.anneal.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.anneal.failure.Failure;
import dev.anneal.training.Schedule.Known;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The learning rate of every schedule at every corner, against numbers worked out by hand.
 *
 * <p>The formulas, with s the updates done before, W the warm-up, N all steps, p = (s - W) / (N -
 * W), top and floor the largest and the last rate: warm-up, top (s + 1) / W; cosine, floor + (top -
 * floor) (1 + cos(pi p)) / 2, as {@code llmc/schedulers.h} of llm.c has both and equation 5 of
 * Loshchilov and Hutter, "SGDR", 2017, the second; linear, top - (top - floor) p, as PyTorch's
 * {@code LinearLR}; WSD, floor + (top - floor) (1 - sqrt((s - D) / (N - D))) from the start D of
 * the decay on, as Hägele and others, "Scaling Laws and Compute-Optimal Training Beyond Fixed
 * Training Durations", 2024.
 */
class ScheduleTest {
  /** Far less than a double's error in a product of rates; far more than in reading a number. */
  private static final double ROUNDING = 1e-18;

  /** Top 6e-4 and floor 6e-5, so that top - floor is 5.4e-4. */
  private static Schedule of(Known shape, int warmup, int horizon) {
    return new Schedule(shape, 6e-4, warmup, horizon, 0.1);
  }

  private static void assertRate(double expected, Schedule schedule, int step) {
    assertEquals(expected, schedule.learningRate(step), ROUNDING, schedule + " at " + step);
  }

  @ParameterizedTest
  @EnumSource
  void warmsUpInALineWhoseLastStepIsThePeak(Known shape) {
    Schedule schedule = of(shape, 4, 40);
    assertRate(1.5e-4, schedule, 1);
    assertRate(3.0e-4, schedule, 2);
    assertRate(4.5e-4, schedule, 3);
    assertRate(6.0e-4, schedule, 4);
    assertRate(6.0e-4, schedule, 5);
  }

  /** cos 45° = 0.70710678118654752, cos 60° = 1/2, cos 165° = -0.96592582628906829. */
  @ParameterizedTest
  @CsvSource({
    "5, 6e-4",
    "8, 5.209188309203678e-4",
    "9, 4.65e-4",
    "11, 3.3e-4",
    "13, 1.95e-4",
    "14, 1.3908116907963217e-4",
    "16, 6.920002690195156e-5",
    "17, 6e-5",
    "1000000, 6e-5"
  })
  void aCosineGoesDownOverTwelveSteps(int step, double rate) {
    assertRate(rate, of(Known.COSINE, 4, 16), step);
  }

  @ParameterizedTest
  @CsvSource({"5, 6e-4", "8, 4.65e-4", "11, 3.3e-4", "16, 1.05e-4", "17, 6e-5", "1000000, 6e-5"})
  void aLineGoesDownOverTwelveSteps(int step, double rate) {
    assertRate(rate, of(Known.LINEAR, 4, 16), step);
  }

  @ParameterizedTest
  @CsvSource({"5", "15", "16", "17", "1000000"})
  void aConstantStaysEvenAfterTheEnd(int step) {
    assertRate(6e-4, of(Known.CONSTANT, 4, 16), step);
  }

  /** sqrt(1/4) = 1/2, sqrt(1/2) = 0.70710678118654752, sqrt(3/4) = 0.86602540378443865. */
  @ParameterizedTest
  @CsvSource({
    "5, 6e-4",
    "16, 6e-4",
    "17, 6e-4",
    "18, 3.3e-4",
    "19, 2.1816233815926432e-4",
    "20, 1.3234628195640316e-4",
    "21, 6e-5",
    "1000000, 6e-5"
  })
  void wsdGoesDownOverTheLastFifth(int step, double rate) {
    assertRate(rate, of(Known.WSD, 4, 20), step);
  }

  /** A fifth of 14 steps is 2, so that the last is at half of the way: sqrt(1/2). */
  @Test
  void wsdRoundsTheFifthDownButNotToNothing() {
    assertRate(6e-4, of(Known.WSD, 0, 14), 13);
    assertRate(2.1816233815926432e-4, of(Known.WSD, 0, 14), 14);
    assertRate(6e-4, of(Known.WSD, 0, 4), 4);
    assertRate(6e-5, of(Known.WSD, 0, 4), 5);
  }

  @ParameterizedTest
  @EnumSource
  void aRunOfOneStepHasThePeak(Known shape) {
    assertRate(6e-4, of(shape, 0, 1), 1);
    assertRate(6e-4, of(shape, 1, 1), 1);
  }

  @ParameterizedTest
  @EnumSource
  void aWarmUpLongerThanTheRunIsCutOff(Known shape) {
    assertRate(6e-5, of(shape, 10, 2), 1);
    assertRate(1.2e-4, of(shape, 10, 2), 2);
  }

  @ParameterizedTest
  @EnumSource
  void aWarmUpOfTheWholeRunEndsAtThePeakAndThenAtTheFloor(Known shape) {
    assertRate(6e-4, of(shape, 8, 8), 8);
    assertRate(shape == Known.CONSTANT ? 6e-4 : 6e-5, of(shape, 8, 8), 9);
  }

  /** The decay is where the horizon has it, however much of it the warm-up has taken. */
  @Test
  void aWarmUpIntoTheDecayOfWsdGoesOnBelowThePeak() {
    Schedule schedule = of(Known.WSD, 18, 20);
    assertRate(6e-4, schedule, 18);
    assertRate(2.1816233815926432e-4, schedule, 19);
  }

  @ParameterizedTest
  @EnumSource
  void afterTheHorizonIsTheWholeFractionOrNothing(Known shape) {
    Schedule all = new Schedule(shape, 6e-4, 0, 10, 1);
    assertRate(6e-4, all, 9);
    assertRate(6e-4, all, 11);
    Schedule none = new Schedule(shape, 6e-4, 0, 10, 0);
    assertRate(shape == Known.CONSTANT ? 6e-4 : 0, none, 11);
  }

  @Test
  void anotherPeakKeepsTheShapeAndTheRatesBefore() {
    Schedule cosine = of(Known.COSINE, 4, 16).withPeakAfter(8, 3e-4);
    assertRate(5.209188309203678e-4, cosine, 8);
    assertRate(4.65e-4 / 2, cosine, 9);
    assertRate(3e-5, cosine, 17);
    Schedule warming = of(Known.LINEAR, 4, 16).withPeakAfter(2, 3e-4);
    assertRate(3.0e-4, warming, 2);
    assertRate(2.25e-4, warming, 3);
  }

  @Test
  void aPeakChangedAgainForgetsWhatWasToComeLater() {
    Schedule schedule =
        of(Known.CONSTANT, 0, 16)
            .withPeakAfter(8, 1e-4)
            .withPeakAfter(12, 2e-4)
            .withPeakAfter(10, 3e-4);
    assertRate(6e-4, schedule, 8);
    assertRate(1e-4, schedule, 10);
    assertRate(3e-4, schedule, 11);
    assertRate(3e-4, schedule, 16);
  }

  /** Eight of twelve steps done, and then twenty-four in all: 8/24 of the way at the ninth. */
  @Test
  void anExtendedRunGoesOnWhereTheLongerOneWouldBe() {
    Schedule cosine = of(Known.COSINE, 0, 12).withHorizonAfter(8, 24);
    assertRate(3.3e-4, cosine, 7);
    assertRate(4.65e-4, cosine, 9);
    assertRate(3.3e-4, cosine, 13);
    assertRate(6e-5, cosine, 25);
    Schedule line = of(Known.LINEAR, 0, 12).withHorizonAfter(8, 24);
    assertRate(3.3e-4, line, 7);
    assertRate(4.2e-4, line, 9);
  }

  @Test
  void anExtendedWsdIsConstantAgainUpToItsNewLastFifth() {
    Schedule schedule = of(Known.WSD, 0, 10).withHorizonAfter(10, 20);
    assertRate(2.1816233815926432e-4, schedule, 10);
    assertRate(6e-4, schedule, 11);
    assertRate(6e-4, schedule, 16);
    assertRate(3.3e-4, schedule, 18);
  }

  @Test
  void extendedTwiceKnowsEachHorizonInItsTime() {
    Schedule schedule = of(Known.LINEAR, 0, 4).withHorizonAfter(4, 12).withHorizonAfter(6, 24);
    assertRate(3.3e-4, schedule, 3);
    assertRate(4.2e-4, schedule, 5);
    assertRate(4.65e-4, schedule, 7);
  }

  @Test
  void refusesWhatIsNoSchedule() {
    assertThrows(Failure.class, () -> new Schedule(Known.COSINE, 0, 0, 10, 0.1));
    assertThrows(Failure.class, () -> new Schedule(Known.COSINE, Double.NaN, 0, 10, 0.1));
    assertThrows(Failure.class, () -> new Schedule(Known.COSINE, 1e-3, -1, 10, 0.1));
    assertThrows(Failure.class, () -> new Schedule(Known.COSINE, 1e-3, 0, 0, 0.1));
    assertThrows(Failure.class, () -> new Schedule(Known.COSINE, 1e-3, 0, 10, 1.1));
  }
}
