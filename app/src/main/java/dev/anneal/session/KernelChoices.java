package dev.anneal.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.DeviceInfo;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The versions of kernels that a bench found to be correct and the fastest, by device and driver,
 * kept between processes.
 */
public final class KernelChoices {
  private static final String FILE = "kernels.json";

  private KernelChoices() {}

  private static String key(DeviceInfo device) {
    return device.backend() + ", " + device.name() + ", " + device.details();
  }

  /** The chosen versions by kernel name; empty for a device that was never measured. */
  public static Map<String, Integer> of(DeviceInfo device) {
    Map<String, Integer> versions = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : read().path(key(device)).properties()) {
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
  public static void keep(DeviceInfo device, Map<String, Integer> versions) {
    ObjectNode all = read();
    ObjectNode own = all.withObjectProperty(key(device));
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
