package dev.anneal.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.KernelFamily;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The versions of kernels that a bench found to be correct and the fastest, kept between processes:
 * by device and driver, by dtype, and by the class of shapes, since what is fastest for one is not
 * for another. A choice is among the versions that there were: with others, such as a library's
 * that was not there, it is none.
 */
public final class KernelChoices {
  private static final String FILE = "kernel-choices.json";

  /** What it was when choices were for any dtype and shape. */
  private static final String FORMER = "kernels.json";

  private static final String ASIDE = ".old";

  private KernelChoices() {}

  private static String key(DeviceInfo device) {
    return device.backend() + ", " + device.name() + ", " + device.details();
  }

  /**
   * Steps for which one choice is good: of one dtype, with heads of one size, whose width, tokens
   * and vocabulary lie between the same powers of two. Such as {@code bf16, heads of 64, C 1024, T
   * 1024, BT 16384, V 65536}.
   */
  static String steps(StepRecipe step) {
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
  public static Map<String, Integer> of(
      DeviceInfo device, List<KernelFamily> kernels, StepRecipe step) {
    Map<String, Integer> versions = new TreeMap<>();
    JsonNode kept = read().path(key(device)).path(steps(step));
    for (KernelFamily kernel : kernels) {
      JsonNode choice = kept.path(kernel.name());
      if (choice.path("among").asText().equals(among(kernel))) {
        versions.put(kernel.name(), choice.path("version").asInt());
      }
    }
    return versions;
  }

  /** The versions that there are, in short. */
  private static String among(KernelFamily kernel) {
    return CacheDirectory.key(kernel.ideas().toArray(String[]::new));
  }

  /**
   * Has the device take the versions that were chosen for such steps, where nobody chose others.
   *
   * @return those that it would not take by itself
   */
  public static Map<String, Integer> prefer(Device device, StepRecipe step) {
    device.preferKernels(Map.of());
    Map<String, Integer> byItself = device.kernelVersions();
    device.preferKernels(of(device.info(), device.kernels(), step));
    Map<String, Integer> changed = new TreeMap<>(device.kernelVersions());
    changed.entrySet().removeAll(byItself.entrySet());
    return changed;
  }

  /**
   * Puts aside what is no file of such choices, or is of an Anneal that kept neither dtype nor
   * shape with them.
   *
   * @return a line that says so; empty when there is nothing to put aside
   */
  public static Optional<String> putAside() {
    return putAside(CacheDirectory.ofUser());
  }

  static Optional<String> putAside(CacheDirectory cache) {
    Optional<byte[]> former = cache.read(FORMER);
    if (former.isPresent() && putAside(cache, FORMER, former.get())) {
      return Optional.of(said(cache, FORMER, "is for any dtype and shape"));
    }
    Optional<byte[]> now = cache.read(FILE);
    return now.isPresent() && parsed(now.get()).isEmpty() && putAside(cache, FILE, now.get())
        ? Optional.of(said(cache, FILE, "is damaged"))
        : Optional.empty();
  }

  private static boolean putAside(CacheDirectory cache, String file, byte[] bytes) {
    boolean kept = cache.write(file + ASIDE, bytes);
    if (kept) {
      cache.delete(file);
    }
    return kept;
  }

  private static String said(CacheDirectory cache, String file, String why) {
    return cache.directory().resolve(file)
        + ", versions of kernels from a bench, "
        + why
        + ": it is not used, and set aside as "
        + file
        + ASIDE
        + "; bench again to choose";
  }

  private static ObjectNode read() {
    return CacheDirectory.ofUser()
        .read(FILE)
        .flatMap(KernelChoices::parsed)
        .orElseGet(JsonNodeFactory.instance::objectNode);
  }

  private static Optional<ObjectNode> parsed(byte[] bytes) {
    try {
      return new ObjectMapper().readTree(bytes) instanceof ObjectNode node
          ? Optional.of(node)
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Keeps choices beside those of other kernels; a home that cannot be written to keeps none. */
  public static void keep(
      DeviceInfo device,
      List<KernelFamily> kernels,
      StepRecipe step,
      Map<String, Integer> versions) {
    ObjectNode all = read();
    ObjectNode own = all.withObjectProperty(key(device)).withObjectProperty(steps(step));
    for (KernelFamily kernel : kernels) {
      if (versions.containsKey(kernel.name())) {
        own.putObject(kernel.name())
            .put("version", versions.get(kernel.name()))
            .put("among", among(kernel));
      }
    }
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
