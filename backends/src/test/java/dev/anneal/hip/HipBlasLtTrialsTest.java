package dev.anneal.hip;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.BlasLtControls;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.TestDouble;
import dev.anneal.gpu.TrialCases;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Algorithms of hipBLASLt's double, tried. */
@ResourceLock("double of HIP")
class HipBlasLtTrialsTest {
  private static final TrialCases CASES =
      new TrialCases(BlasLtControls.HIPBLAS, "hip", HipBlasLtTrialsTest::open);

  private static Device open(Map<String, String> environment, boolean deterministic) {
    HipBackend backend = new HipBackend(environment);
    return switch (backend.probe()) {
      case Availability.Available available ->
          backend.open(
              available.devices().getFirst(), new DeviceOptions(1, Map.of(), deterministic));
      case Availability.Missing(String reason) -> throw new Failure(ExitCode.BACKEND, reason);
    };
  }

  @BeforeEach
  void forget() throws Throwable {
    TestDouble.build();
    CASES.forget();
  }

  @AfterEach
  void forgetAgain() throws Throwable {
    CASES.forget();
  }

  @Test
  void takesTheFastestThatRepeatsItsBits() {
    CASES.fastestThatRepeatsItsBits();
  }

  @Test
  void takesAnyBitsWhereTheyNeedNotRepeat() {
    CASES.anyBitsWhereTheyNeedNotRepeat();
  }

  @Test
  void smallProductsAndWhoeverWantsNoneTryNone() throws Throwable {
    CASES.smallProductsAndWhoeverWantsNoneTryNone();
  }

  @Test
  void triesOnceForADeviceAndAVersion() throws Throwable {
    CASES.isTriedOnceForADeviceAndAVersion();
  }

  @Test
  void aDamagedFileIsOneLineAndANewTrial() throws Throwable {
    CASES.aDamagedFileIsOneLineAndANewTrial();
  }

  @Test
  void ownKernelsWhereNoneCanBeUsed() throws Throwable {
    CASES.ownKernelsWhereNoneCanBeUsed();
  }

  @Test
  void trainsAsWithTheSameAlgorithmsAndNoTrial() throws Throwable {
    CASES.trainsAsWithTheSameAlgorithmsAndNoTrial();
  }

  @Test
  void saysWhereARunCannotHaveItsAlgorithms() throws Throwable {
    CASES.saysWhereARunCannotHaveItsAlgorithms();
  }

  @Test
  void whateverFailsInATrialIsSaid() throws Throwable {
    CASES.whateverFailsIsSaid(DoubleControls.HIP, "hipblasLt");
  }
}
