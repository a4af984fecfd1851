package dev.anneal.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * What a checkpoint consists of: it is written last, so that a checkpoint with a manifest is whole.
 *
 * @param files their sizes and sums by name
 * @param meta what the session keeps: configuration, position in the data, metrics
 */
record Manifest(int step, SequencedMap<String, Content> files, ObjectNode meta) {
  static final String NAME = "manifest.json";

  private static final String FORMAT = "anneal-checkpoint";
  private static final int VERSION = 1;
  private static final int MAXIMUM_BYTES = 1 << 24;
  private static final String SUM = "crc32c";
  private static final JsonMapper JSON = new JsonMapper();

  /** A name is one component: nothing outside the directory can be named. */
  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");

  /** A file's size in bytes and its CRC-32C. */
  record Content(long bytes, int crc32c) {}

  Manifest {
    files = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(files));
  }

  static boolean isFileName(String name) {
    return FILE_NAME.matcher(name).matches() && !name.equals(NAME);
  }

  byte[] bytes() {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT).put("version", VERSION).put("step", step);
    ObjectNode contents = root.putObject("files");
    files.forEach(
        (name, content) ->
            contents.putObject(name).put("bytes", content.bytes()).put(SUM, hex(content.crc32c())));
    root.set("meta", meta);
    try {
      // The sum is over what a reader will make of the text, so that both write the same.
      ObjectNode parsed = (ObjectNode) JSON.readTree(JSON.writeValueAsBytes(root));
      parsed.put(SUM, hex(sum(parsed)));
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(parsed);
    } catch (IOException e) {
      throw new IllegalStateException("a tree cannot be written", e);
    }
  }

  /**
   * Reads the manifest of a checkpoint.
   *
   * @throws Failure when there is none, or it is damaged
   */
  static Manifest read(Path file) {
    return InputFile.open(
        file,
        input -> {
          try (input) {
            if (input.size() > MAXIMUM_BYTES) {
              throw damaged(file, "it has " + input.size() + " bytes, too many");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) input.size());
            input.read(0, bytes);
            return parse(file, bytes.array());
          }
        });
  }

  private static Manifest parse(Path file, byte[] bytes) {
    ObjectNode root;
    try {
      root = JSON.readTree(bytes) instanceof ObjectNode object ? object : JSON.createObjectNode();
    } catch (JacksonException e) {
      throw damaged(file, FileFailures.shown(e.getOriginalMessage()));
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
    if (!root.path("format").asText().equals(FORMAT)) {
      throw damaged(file, "it does not say that it is of the format " + FORMAT);
    }
    JsonNode sum = root.remove(SUM);
    boolean sumMatches = sum != null && sum.asText().equals(hex(sum(root)));
    if (sumMatches && root.path("version").asInt() != VERSION) {
      throw otherVersion(file, root.path("version").asText());
    }
    if (!sumMatches) {
      throw damaged(file, "its checksum does not match");
    }
    return new Manifest(step(file, root), files(file, root), meta(file, root));
  }

  private static int step(Path file, ObjectNode root) {
    JsonNode step = root.path("step");
    if (!step.isIntegralNumber() || !step.canConvertToLong()) {
      throw damaged(file, "its step is " + FileFailures.shown(step.toString()));
    }
    return Setting.STEP.whole(Written.in(file), step.longValue());
  }

  private static ObjectNode meta(Path file, ObjectNode root) {
    return switch (root.path("meta")) {
      case ObjectNode meta -> meta;
      case MissingNode none -> JSON.createObjectNode();
      case JsonNode other -> throw damaged(file, "its meta is no object");
    };
  }

  private static SequencedMap<String, Content> files(Path file, ObjectNode root) {
    SequencedMap<String, Content> files = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : root.path("files").properties()) {
      JsonNode content = entry.getValue();
      try {
        if (!isFileName(entry.getKey())) {
          throw damaged(file, FileFailures.shown(entry.getKey()) + " is no name of a file");
        }
        int crc = HexFormat.fromHexDigits(content.path(SUM).asText());
        long size = content.path("bytes").asLong(-1);
        if (size < 0) {
          throw damaged(file, "the size of " + FileFailures.shown(entry.getKey()) + " is missing");
        }
        files.put(entry.getKey(), new Content(size, crc));
      } catch (IllegalArgumentException e) {
        throw damaged(file, "a checksum in it is no hexadecimal number");
      }
    }
    return files;
  }

  private static int sum(ObjectNode root) {
    CRC32C crc = new CRC32C();
    crc.update(root.toString().getBytes(StandardCharsets.UTF_8));
    return (int) crc.getValue();
  }

  static String hex(int crc32c) {
    return HexFormat.of().toHexDigits(crc32c);
  }

  /** Whole, but not for this program: a cause tells it from damage. */
  private static Failure otherVersion(Path file, String version) {
    String why = FileFailures.shown(version) + "; this program reads version " + VERSION;
    return new Failure(
        ExitCode.FAILED, file + " is of version " + why, new IOException("another version"));
  }

  private static Failure damaged(Path file, String why) {
    return Failure.failed(file + " is damaged: " + why);
  }
}
