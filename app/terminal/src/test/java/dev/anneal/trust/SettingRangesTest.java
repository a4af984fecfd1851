package dev.anneal.trust;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.setting.Range;
import dev.anneal.setting.Setting;
import dev.anneal.terminal.text.Dashes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers out of range are refused by name, wherever they come from. */
class SettingRangesTest {
  @TempDir private Path temp;

  /** The settings that {@code train} has an option for. */
  private static List<Setting> ofTraining() {
    List<Setting> settings = new ArrayList<>();
    for (Setting setting : Setting.values()) {
      boolean sampling =
          List.of(Setting.TOKENS, Setting.TEMPERATURE, Setting.TOP_K, Setting.TOP_P)
              .contains(setting);
      if (Dashes.in(setting.marked()).startsWith("--")
          && !sampling
          && setting != Setting.TOLERANCE) {
        settings.add(setting);
      }
    }
    return settings;
  }

  /** Values just outside of a range, and far outside. */
  private static List<String> outside(Setting setting) {
    return switch (setting.range()) {
      case Range.Whole(long least, long most) ->
          most < Integer.MAX_VALUE
              ? List.of("" + (least - 1), "-2147483648", "" + (most + 1))
              : List.of("" + (least - 1), "-2147483648");
      case Range.Real(double least, boolean open, double most, boolean below) -> {
        List<String> values = new ArrayList<>(List.of("-1e-3", "-Infinity", "NaN", "1e300"));
        if (open) {
          values.add("" + least);
        }
        if (below) {
          values.add("" + most);
        }
        yield values;
      }
    };
  }

  @Test
  void everyOptionOfTrainRefusesWhatIsOutOfRangeByName() {
    int tried = 0;
    for (Setting setting : ofTraining()) {
      for (String value : outside(setting)) {
        String option = Dashes.in(setting.marked());
        Outcome outcome = Outcome.of(Outcome.tiny(temp, "none", option, value));
        String line = outcome.refused(2, option + " is ", "expected");
        assertTrue(line.startsWith("anneal: " + option), line);
        tried++;
      }
    }
    assertTrue(tried > 60, "tried " + tried);
    assertTrue(Files.notExists(temp.resolve("none")), "a refused run left its folder");
  }

  @Test
  void totalsThatDivideByZeroOrOverflowAreRefusedByName() {
    refused("--batch", "--batch", "0", "--total-batch", "128");
    refused("--seq", "--seq", "0", "--total-batch", "128");
    refused("--total-batch", "--total-batch", "0");
    refused("--total-batch", "--batch", "2147483647", "--total-batch", "128");
    refused("--batch", "--batch", "2147483647", "--seq", "32");
    refused("--total-batch", "--batch", "1", "--seq", "1", "--total-batch", "2147483647");
  }

  private void refused(String name, String... options) {
    Outcome.of(Outcome.tiny(temp, "none", options)).refused(2, name);
  }

  @Test
  void validationsHaveAtLeastOneBatchWhileThereAreAny() {
    Outcome.of(Outcome.tiny(temp, "none", "--val-every", "2", "--val-batches", "0"))
        .refused(2, "--val-batches is 0", "--val-every");
    Outcome.ok(Outcome.tiny(temp, "never", "--val-every", "0", "--val-batches", "0"));
  }

  @Test
  void setRefusesWhatTheCommandLineRefusesUnderItsOwnName() {
    String train = String.join(" ", Outcome.tiny(temp, "live")) + " --paused";
    String[] wrong = {
      "lr 0",
      "lr NaN",
      "lr 1e99",
      "steps 0",
      "steps -3",
      "val_every -1",
      "val_batches -1",
      "sample_every -1",
      "sample_tokens 2000000000",
      "checkpoint_every x",
      "keep -1",
      "temperature -1",
      "temperature Infinity",
      "top_k -1",
      "top_p 0",
      "top_p 1.5",
      "seed 1.5"
    };
    StringBuilder script = new StringBuilder(train);
    for (String setting : wrong) {
      script.append("; set ").append(setting);
    }
    Outcome outcome = Outcome.of("--keep-going", "-c", script.toString());
    List<String> refusals = outcome.err().lines().filter(l -> l.contains("expected")).toList();
    assertEquals(wrong.length, refusals.size(), outcome.err());
    for (int i = 0; i < wrong.length; i++) {
      String name = wrong[i].substring(0, wrong[i].indexOf(' '));
      assertTrue(refusals.get(i).contains(": " + name + " is "), refusals.get(i));
    }
  }

  @Test
  void setKernelAndWaitAreNamedAsTheyWereTyped() {
    String train = String.join(" ", Outcome.tiny(temp, "names")) + " --paused";
    String err =
        Outcome.of("--keep-going", "-c", train + "; set kernel foo; wait bar; set kernel foo=v9")
            .err();
    assertTrue(err.contains("set kernel is 'foo'"), err);
    assertTrue(err.contains("wait 'bar' is no condition"), err);
    assertTrue(err.contains("kernel foo: cpu has one version"), err);
    assertTrue(!err.contains("--kernel") && !err.contains("--until"), err);
  }

  @Test
  void samplingRefusesWhatIsOutOfRange() {
    Outcome.ok(Outcome.tiny(temp, "sampled"));
    String run = temp.resolve("sampled").toString();
    String[][] wrong = {
      {"--tokens", "0"}, {"--tokens", "-5"}, {"--temperature", "-0.1"}, {"--temperature", "NaN"},
      {"--top-k", "-1"}, {"--top-p", "0"}, {"--top-p", "1.01"}, {"--threads", "0"},
      {"--threads", "1000000"}, {"--device", "-1"}
    };
    for (String[] option : wrong) {
      Outcome.of("sample", "--checkpoint", run, option[0], option[1]).refused(2, option[0] + " is");
    }
  }

  /** A saved run whose manifest says {@code value} at {@code field}, with a right checksum. */
  private String damaged(String field, String value) {
    Path run = temp.resolve("saved");
    if (Files.notExists(run)) {
      Outcome.ok(Outcome.tiny(temp, "saved", "--val-every", "2", "--optimizer", "muon"));
    }
    Path manifest = run.resolve("step_4/manifest.json");
    Path whole = temp.resolve("manifest.json");
    try {
      if (Files.notExists(whole)) {
        Files.copy(manifest, whole);
      }
      ObjectNode root = (ObjectNode) Outcome.tree(Files.readString(whole));
      root.remove("crc32c");
      ObjectNode at = field.equals("step") ? root : (ObjectNode) root.path("meta").path("config");
      String[] names = field.split("\\.");
      for (int i = 0; i + 1 < names.length; i++) {
        at = (ObjectNode) at.path(names[i]);
      }
      at.set(names[names.length - 1], Outcome.tree(value));
      ObjectNode parsed = (ObjectNode) Outcome.tree(root.toString());
      CRC32C crc = new CRC32C();
      crc.update(parsed.toString().getBytes(UTF_8));
      parsed.put("crc32c", HexFormat.of().toHexDigits((int) crc.getValue()));
      Files.write(
          manifest, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(parsed));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return run.toString();
  }

  @Test
  void aSavedRunWithANumberOutOfRangeIsOneLineThatNamesFileAndField() {
    for (Setting setting : Setting.values()) {
      boolean saved =
          setting.field().contains(".")
              || List.of(Setting.BATCH, Setting.SEQ, Setting.MICRO_STEPS, Setting.STEP)
                  .contains(setting);
      if (saved) {
        for (String value : List.of("-7", "\"x\"", "1e400", "null")) {
          String run = damaged(setting.field(), value);
          String line =
              Outcome.of("sample", "--checkpoint", run, "--tokens", "1")
                  .refused(1, "manifest.json");
          String name = setting == Setting.STEP ? "step" : setting.field();
          assertTrue(line.contains(name), setting + " " + value + ": " + line);
        }
      }
    }
  }

  @Test
  void aSavedRunWhoseNumbersDoNotFitTogetherNamesTheFile() {
    for (String absurd : List.of("sequence=1000000", "model.heads=3", "batch=2147483647")) {
      String[] parts = absurd.split("=");
      Outcome.of("sample", "--checkpoint", damaged(parts[0], parts[1])).refused(1, "manifest.json");
    }
  }
}
