package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Hardware;
import dev.anneal.launch.Product;
import dev.anneal.launch.Product.Epilogue;
import dev.anneal.launch.Product.Formats;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When algorithms are tried, and how what was found is kept; the doubles show the rest. */
class ProductTrialsTest {
  @TempDir Path folder;

  private static Product product(int m, long c, long d) {
    return new Product(
        true,
        false,
        m,
        256,
        256,
        new Formats(DType.BF16, DType.BF16, Multiplication.EXACT),
        512,
        1024 + 64,
        d,
        c,
        Epilogue.BIAS,
        16,
        0,
        0,
        4 << 20);
  }

  @Test
  void afterItsTimeNothingIsTried() {
    // A driver that throws when it is told anything.
    PlannedDriver driver = new PlannedDriver("none", new Hardware(32, 0, 0), Set.of(), false);
    ProductTrials trials =
        new ProductTrials(driver, new CacheDirectory(folder), "here", TrialScope.ALL, true, -1);
    trials.begin();
    List<ProductTrials.Candidate> offered = List.of(Optional::empty);
    assertInstanceOf(ProductTrials.NotTried.class, trials.choose(product(256, 0, 0), offered));
  }

  @Test
  void largeOnesAreTriedWhereNobodySaysOtherwise() {
    assertEquals(TrialScope.LARGE, TrialScope.of(Map.of()));
    assertEquals(TrialScope.OFF, TrialScope.of(Map.of(TrialScope.VARIABLE, "off")));
    assertTrue(TrialScope.LARGE.has(product(256, 0, 0)));
    assertTrue(!TrialScope.LARGE.has(product(255, 0, 0)));
    assertTrue(TrialScope.ALL.has(product(1, 0, 0)));
    assertTrue(!TrialScope.OFF.has(product(1 << 20, 0, 0)));
    Failure failure =
        assertThrows(Failure.class, () -> TrialScope.of(Map.of(TrialScope.VARIABLE, "on")));
    assertEquals(ExitCode.USAGE, failure.exitCode());
    assertEquals("ANNEAL_PRODUCT_TRIALS is 'on'; expected off, large, all", failure.getMessage());
  }

  @Test
  void theTextHasAllThatAChoiceDependsOn() {
    assertEquals(
        "256 x 256 x 256 TN, bf16 to bf16, bias, aligned 256 64 32 32, scratch 4 MiB",
        ProductText.of(product(256, 0, 32)));
    assertEquals(
        "256 x 256 x 256 TN, bf16 to bf16, bias, added in place, aligned 256 64 32 32, scratch 4"
            + " MiB",
        ProductText.of(product(256, 32, 32)));
    assertEquals(
        "256 x 256 x 256 TN, bf16 to bf16, bias, plus another, aligned 256 64 16 32, scratch 4"
            + " MiB",
        ProductText.of(product(256, 16, 32)));
  }

  @Test
  void whatIsKeptIsOfOneDeviceLibraryAndProduct() {
    CacheDirectory cache = new CacheDirectory(folder);
    KeptAlgorithms here = new KeptAlgorithms(cache, "a GPU, driver 1");
    KeptAlgorithms.Found found = new KeptAlgorithms.Found("0a1b", 7, 3, 2.5e6, 5e6);
    here.write("library 1", "product", found);
    assertEquals(found, here.read("library 1", "product"));
    KeptAlgorithms.Nothing nothing = new KeptAlgorithms.Nothing();
    assertEquals(nothing, here.read("library 2", "product"));
    assertEquals(nothing, here.read("library 1", "another"));
    KeptAlgorithms elsewhere = new KeptAlgorithms(cache, "a GPU, driver 2");
    assertEquals(nothing, elsewhere.read("library 1", "product"));
    here.forget("library 1", "product");
    assertEquals(nothing, here.read("library 1", "product"));
  }
}
