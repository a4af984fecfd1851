package dev.anneal.gpu;

import dev.anneal.launch.Argument;
import dev.anneal.launch.Place;
import java.nio.ByteBuffer;

/** Arguments of a launch that is bound, as drivers read them. */
public final class ArgumentSlots {
  /** Bytes that every value has room for. */
  public static final int BYTES = 8;

  private ArgumentSlots() {}

  /** Writes a value where the driver reads it. */
  public static void put(Argument argument, ByteBuffer to, int at) {
    switch (argument) {
      case Place place -> to.putLong(at, place.address());
      case Argument.I64(long value) -> to.putLong(at, value);
      case Argument.I32(int value) -> to.putInt(at, value);
      case Argument.F32(float value) -> to.putFloat(at, value);
    }
  }
}
