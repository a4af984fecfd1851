package dev.anneal.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.DeviceInfo;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The versions of kernels that a bench found to be correct and the fastest, kept between processes:
 * by device and driver, by dtype, and by the class of shapes, since what is fastest for one is not
 * for another.
 */
public final class KernelChoices {
  /** Another name than of the files whose choices were for any dtype and shape. */
  private static final String FILE = "kernel-choices.json";

  private KernelChoices() {}

  private static String key(DeviceInfo device) {
    return device.backend() + ", " + device.name() + ", " + device.details();
  }

  /**
   * Steps for which one choice is good: of one dtype, with heads of one size, whose width, tokens
   * and vocabulary lie between the same powers of two. Such as {@code bf16, heads of 64, C 1024, T
   * 1024, BT 16384, V 65536}.
   */
  static String steps(StepOptions step) {
    StringBuilder text = new StringBuilder(step.precision().name().toLowerCase(Locale.ROOT));
    text.append(", heads of ").append(step.model().headSize());
    text.append(", C ").append(powerOfTwo(step.model().channels()));
    text.append(", T ").append(powerOfTwo(step.sequence()));
    text.append(", BT ").append(powerOfTwo((long) step.batch() * step.sequence()));
    return text.append(", V ").append(powerOfTwo(step.model().vocabulary())).toString();
  }

  /** The smallest that is not below {@code n}. */
  private static long powerOfTwo(long n) {
    return n <= 1 ? 1 : Long.highestOneBit(n - 1) << 1;
  }

  /** The chosen versions by kernel name; empty when no such step was measured on the device. */
  public static Map<String, Integer> of(DeviceInfo device, StepOptions step) {
    Map<String, Integer> versions = new TreeMap<>();
    JsonNode kept = read().path(key(device)).path(steps(step));
    for (Map.Entry<String, JsonNode> entry : kept.properties()) {
      versions.put(entry.getKey(), entry.getValue().asInt());
    }
    return versions;
  }

  private static ObjectNode read() {
    Optional<byte[]> bytes = CacheDirectory.ofUser().read(FILE);
    try {
      if (bytes.isPresent()
          && new ObjectMapper().readTree(bytes.get()) instanceof ObjectNode node) {
        return node;
      }
    } catch (IOException e) {
      // A broken cache is none.
    }
    return JsonNodeFactory.instance.objectNode();
  }

  /** Keeps choices beside those of other kernels; a home that cannot be written to keeps none. */
  public static void keep(DeviceInfo device, StepOptions step, Map<String, Integer> versions) {
    ObjectNode all = read();
    ObjectNode own = all.withObjectProperty(key(device)).withObjectProperty(steps(step));
    versions.forEach(own::put);
    // When that fails, the next bench finds them again.
    CacheDirectory.ofUser().write(FILE, all.toPrettyString().getBytes(UTF_8));
  }

  /**
   * Versions as a user types them.
   *
   * @param where it was typed, such as {@code --kernel} or {@code set kernel}
   * @param text such as {@code layernorm_forward=v1}
   * @throws Failure when it is not of that form
   */
  public static Map<String, Integer> parse(String where, String text) {
    int equals = text.indexOf('=');
    String version = text.substring(equals + 1);
    String number = version.startsWith("v") ? version.substring(1) : version;
    if (equals < 1 || !number.matches("[0-9]{1,9}")) {
      throw Failure.usage(
          where + " is '" + text + "'; expected KERNEL=vN, such as layernorm_forward=v1");
    }
    return Map.of(text.substring(0, equals), Integer.parseInt(number));
  }
}
