package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.data.Documents;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.config.ConfigJson;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Words;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A text is one document unless its user says otherwise, and samples go on. */
class DocumentsTest {
  private static final String STANZAS = "one two three\nfour\n\nfive six seven\n\n\neight\n";

  @TempDir Path folder;

  private RunConfig config(String name, String text, Optional<TextRules> rules) {
    try {
      Path file = Files.writeString(folder.resolve(name), text);
      return new RunConfig(
          new Gpt2.Config(1, 2, 16, 4, 256),
          new RunConfig.Data(
              Optional.of(file.toString()), Optional.empty(), RunTokenizer.named("byte"), rules),
          1,
          4,
          1,
          new Schedule(Schedule.Known.CONSTANT, 1e-3, 0, 10, 1),
          AdamW.defaults(),
          Recompute.NONE,
          Precision.FP32,
          1,
          new RunConfig.Intervals(0, 1, 0, 0, 0, 0));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private RunConfig config(String text, String documents) {
    return config("t.txt", text, Optional.of(new TextRules(Documents.parse(documents), "text")));
  }

  /** How many of all targets are the end of a text. */
  private static int ends(RunConfig config) {
    Corpus corpus = Corpus.open(config, Optional.empty());
    int ends = 0;
    for (int i = 0; i < corpus.validationBatches(); i++) {
      int[] targets = new int[config.sequence()];
      corpus.validation().fill(i, new int[config.sequence()], targets);
      ends += (int) java.util.Arrays.stream(targets).filter(t -> t == 0).count();
    }
    return ends;
  }

  @Test
  void aTextIsOneDocumentWhoseValidationHasNoEnds() {
    String text = STANZAS.repeat(50);
    assertEquals(0, ends(config("t.txt", text, Optional.of(TextRules.DEFAULT))));
    assertTrue(ends(config(text, "blank-line")) > 0);
    assertTrue(ends(config(text, "line")) > ends(config(text, "blank-line")));
    assertTrue(ends(config(text, "six")) > 0);
  }

  @Test
  void theValidationOfOneDocumentIsTheLastTenthOfItsCharacters() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      text.append((char) ('!' + i % 90));
    }
    RunConfig config = config(text.toString(), "file");
    int[] tokens = new int[4];
    Corpus.open(config, Optional.empty()).validation().fill(0, tokens, new int[4]);
    assertEquals(text.charAt(900), tokens[0]);
    assertEquals(text.charAt(903), tokens[3]);
  }

  @Test
  void aCheckpointKeepsTheRuleAndTheFingerprintKnowsIt() {
    for (String rule : new String[] {"file", "blank-line", "line", "six", "\\n#\\t"}) {
      RunConfig config = config(STANZAS.repeat(20) + "\n#\tend", rule);
      RunConfig read = ConfigJson.read(ConfigJson.write(config), folder);
      assertEquals(config.data(), read.data());
      Optional<String> fingerprint =
          Optional.of(Corpus.open(config, Optional.empty()).fingerprint());
      Corpus.open(read, fingerprint);
      if (!rule.equals("file")) {
        RunConfig other = config(STANZAS.repeat(20) + "\n#\tend", "file");
        assertNotEquals(fingerprint.get(), Corpus.open(other, Optional.empty()).fingerprint());
        assertThrows(Failure.class, () -> Corpus.open(other, fingerprint));
      }
    }
  }

  /** The numbers are those of the program before there were rules. */
  @Test
  void aRunFromBeforeThereWereRulesGoesOnWithItsTokens() {
    String text = "\ufeffa\r\n\r\nb\n\nc\0d\n\n\n".repeat(30);
    RunConfig now = config("t.txt", text, Optional.of(TextRules.DEFAULT));
    ObjectNode written = ConfigJson.write(now);
    ((ObjectNode) written.path("data")).remove("text");
    RunConfig earlier = ConfigJson.read(written, folder);
    assertEquals(Optional.empty(), earlier.data().text());
    Corpus corpus = Corpus.open(earlier, Optional.of("93044b11bb03b33be0228e8b49091856[57,571)"));
    int[] tokens = new int[4];
    corpus.validation().fill(0, tokens, new int[4]);
    assertEquals(0xef, tokens[1]);
    assertThrows(Failure.class, () -> Corpus.open(now, Optional.empty()));
  }

  private String run(int code, String line) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] words = Words.complete(line).getFirst().toArray(String[]::new);
    int actual = Anneal.run(words, new PrintWriter(out), new PrintWriter(err, true));
    assertEquals(code, actual, out + "\n" + err);
    return code == 0 ? out.toString() : err.toString();
  }

  @Test
  void samplesGoOnBeyondTheEndOfADocumentUnlessToldToStop() throws IOException {
    // A model of one-letter documents has learned that one in three tokens is an end.
    Path text = Files.writeString(folder.resolve("lines.txt"), "a\n".repeat(400));
    String train = TinyShell.train(folder, "r", "--documents line --steps 40 --lr 1e-2 ");
    run(0, train.replaceFirst("--data \\S+", "--data " + Words.quote(text.toString())));
    String sample =
        "sample --json --tokens 30 --checkpoint " + Words.quote(folder.resolve("r").toString());
    JsonNode whole = new ObjectMapper().readTree(run(0, sample));
    JsonNode first = new ObjectMapper().readTree(run(0, sample + " --stop-at-end"));
    assertEquals(30, whole.path("tokens").intValue());
    assertTrue(first.path("tokens").intValue() < 30, first.toString());
    String beginning = first.path("text").textValue();
    assertTrue(whole.path("text").textValue().startsWith(beginning), whole.toString());
    assertTrue(whole.path("text").textValue().length() > beginning.length(), whole.toString());
  }

  @Test
  void aSampleWithoutAPromptIsOfWhatWasLearnedAlsoOfOneDocument() throws IOException {
    Path text = Files.writeString(folder.resolve("abc.txt"), "abcabcab\n".repeat(400));
    Path out = folder.resolve("run");
    String shape = "--layers 1 --heads 2 --channels 32 --context 16 --seq 16 --batch 4 --threads 1";
    Cli cli = new Cli(folder);
    String trained =
        cli.ok(
                "train --data %s --out %s --steps 60 --lr 1e-2 --val-every 0 --sample-tokens 40 %s"
                    .formatted(text, out, shape))
            .all();
    String sampled = cli.ok("sample --checkpoint %s --tokens 40".formatted(out)).out().strip();
    assertTrue(sampled.matches("[abc\n]+"), sampled);
    assertTrue(trained.contains(sampled), "live and saved begin alike: " + trained);
  }

  @Test
  void aRuleThatDoesNotApplyIsRefused() throws IOException {
    String shards = TinyShell.train(folder, "r", "--documents line ");
    Path records = Files.writeString(folder.resolve("r.jsonl"), "{\"text\":\"hello\"}\n");
    String json =
        run(2, shards.replaceFirst("--data \\S+", "--data " + Words.quote(records.toString())));
    assertTrue(json.contains("each record is a document"), json);
    String jdk = run(2, shards.replaceFirst("--data \\S+", ""));
    assertTrue(jdk.contains("add --data FILE"), jdk);
    String nowhere = run(2, TinyShell.train(folder, "r", "--documents blank_line "));
    assertTrue(nowhere.contains("'blank_line' is nowhere in"), nowhere);
    String field = run(2, TinyShell.train(folder, "r", "--text-field body "));
    assertTrue(field.contains("--text-field body"), field);
    assertTrue(run(2, TinyShell.train(folder, "r", "--documents '' ")).contains("is empty"));
    assertFalse(Files.exists(folder.resolve("r")));
  }

  @Test
  void whatStandsBetweenDocumentsIsInNone() {
    RunConfig config = config("one<|end|>\ntwo\n<|end|>three".repeat(5), "<|end|>");
    Corpus corpus = Corpus.open(config, Optional.empty());
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < corpus.validationBatches(); i++) {
      int[] tokens = new int[4];
      corpus.validation().fill(i, tokens, new int[4]);
      java.util.Arrays.stream(tokens).forEach(t -> all.append((char) t));
    }
    assertFalse(all.toString().contains("<"), all.toString());
    assertTrue(corpus.description().contains("11 documents"), corpus.description());
  }
}
