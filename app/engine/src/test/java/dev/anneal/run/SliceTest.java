package dev.anneal.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of tensors. */
class SliceTest {
  private static final Shape SHAPE = Shape.of(4, 3, 8);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[0,1,2]|[0,1,2]",
        "0|[0,0:3,0:8]",
        "[-1, :, -2:]|[3,0:3,6:8]",
        "[:, 1:2, :3]|[0:4,1,0:3]",
        "[]|[0:4,0:3,0:8]",
        "' [ 1:3 ] '|[1:3,0:3,0:8]",
        "[:-1]|[0:3,0:3,0:8]"
      })
  void readsWhatPeopleType(String text, String slice) {
    assertEquals(slice, Slice.parse(text, SHAPE).toString());
  }

  @Test
  void countsInCOrder() {
    assertArrayEquals(
        new long[] {1 * 24 + 2 * 8 + 6, 1 * 24 + 2 * 8 + 7, 2 * 24 + 2 * 8 + 6, 2 * 24 + 2 * 8 + 7},
        Slice.parse("[1:3,2,6:]", SHAPE).offsets().toArray());
    assertEquals(2, Slice.parse("[1:3,2,6:]", SHAPE).rowLength());
    assertEquals("[0,0:3,0:6]", Slice.corner(SHAPE).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[4]",
        "[0,0,0,0]",
        "[-5]",
        "[2:2]",
        "[3:1]",
        "[a]",
        "[0:1:2]",
        "[,]",
        "[1.5]",
        "[99999999999]"
      })
  void saysWhatDoesNotFit(String text) {
    Failure failure = assertThrows(Failure.class, () -> Slice.parse(text, SHAPE));
    assertEquals(2, failure.exitCode().code());
    assertTrue(failure.getMessage().contains(text), failure.getMessage());
  }
}
