package dev.anneal.tokenizer;

import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * Writes a tokenizer as Hugging Face's {@code tokenizer.json}. The same tokenizer always has the
 * same bytes, so that their checksum tells one from another.
 */
final class TokenizerJsonWriter {
  private final Definition definition;
  private final Vocabulary vocabulary;
  private final Map<Integer, String> contents;
  private final JsonGenerator out;

  private TokenizerJsonWriter(Definition definition, JsonGenerator out) {
    this.definition = definition;
    this.vocabulary = definition.pairs().vocabulary();
    this.contents = definition.added().stream().collect(toMap(AddedToken::id, AddedToken::content));
    this.out = out;
  }

  static byte[] bytes(Definition definition) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = new JsonFactory().createGenerator(bytes)) {
      new TokenizerJsonWriter(definition, out).write();
    } catch (IOException e) {
      throw new UncheckedIOException("memory failed", e);
    }
    return bytes.toByteArray();
  }

  private void write() throws IOException {
    out.writeStartObject();
    out.writeStringField("version", "1.0");
    out.writeNullField("truncation");
    out.writeNullField("padding");
    addedTokens();
    if (definition.composed()) {
      out.writeObjectFieldStart("normalizer");
      out.writeStringField("type", "NFC");
      out.writeEndObject();
    } else {
      out.writeNullField("normalizer");
    }
    preTokenizer();
    postProcessor();
    out.writeFieldName("decoder");
    byteLevel(true);
    model();
    out.writeEndObject();
  }

  private void addedTokens() throws IOException {
    out.writeArrayFieldStart("added_tokens");
    for (AddedToken token : definition.added()) {
      out.writeStartObject();
      out.writeNumberField("id", token.id());
      out.writeStringField("content", token.content());
      out.writeBooleanField("single_word", token.singleWord());
      out.writeBooleanField("lstrip", token.leftSpace());
      out.writeBooleanField("rstrip", token.rightSpace());
      out.writeBooleanField("normalized", token.normalized());
      out.writeBooleanField("special", token.special());
      out.writeEndObject();
    }
    out.writeEndArray();
  }

  private void preTokenizer() throws IOException {
    out.writeFieldName("pre_tokenizer");
    if (definition.preTokenizer() == PreTokenizer.GPT2) {
      byteLevel(true);
      return;
    }
    out.writeStartObject();
    out.writeStringField("type", "Sequence");
    out.writeArrayFieldStart("pretokenizers");
    out.writeStartObject();
    out.writeStringField("type", "Split");
    out.writeObjectFieldStart("pattern");
    out.writeStringField("Regex", definition.preTokenizer().regex());
    out.writeEndObject();
    out.writeStringField("behavior", "Isolated");
    out.writeBooleanField("invert", false);
    out.writeEndObject();
    byteLevel(false);
    out.writeEndArray();
    out.writeEndObject();
  }

  private void byteLevel(boolean regex) throws IOException {
    out.writeStartObject();
    out.writeStringField("type", "ByteLevel");
    out.writeBooleanField("add_prefix_space", false);
    out.writeBooleanField("trim_offsets", true);
    out.writeBooleanField("use_regex", regex);
    out.writeEndObject();
  }

  private void postProcessor() throws IOException {
    if (definition.begin().isEmpty()) {
      out.writeFieldName("post_processor");
      byteLevel(true);
      return;
    }
    int id = definition.begin().getAsInt();
    String name = name(id);
    out.writeObjectFieldStart("post_processor");
    out.writeStringField("type", "TemplateProcessing");
    out.writeArrayFieldStart("single");
    begins(name, 0);
    sequence("A", 0);
    out.writeEndArray();
    out.writeArrayFieldStart("pair");
    begins(name, 0);
    sequence("A", 0);
    begins(name, 1);
    sequence("B", 1);
    out.writeEndArray();
    out.writeObjectFieldStart("special_tokens");
    out.writeObjectFieldStart(name);
    out.writeStringField("id", name);
    out.writeArrayFieldStart("ids");
    out.writeNumber(id);
    out.writeEndArray();
    out.writeArrayFieldStart("tokens");
    out.writeString(name);
    out.writeEndArray();
    out.writeEndObject();
    out.writeEndObject();
    out.writeEndObject();
  }

  private void begins(String name, int type) throws IOException {
    part("SpecialToken", name, type);
  }

  private void sequence(String name, int type) throws IOException {
    part("Sequence", name, type);
  }

  private void part(String kind, String id, int type) throws IOException {
    out.writeStartObject();
    out.writeObjectFieldStart(kind);
    out.writeStringField("id", id);
    out.writeNumberField("type_id", type);
    out.writeEndObject();
    out.writeEndObject();
  }

  private void model() throws IOException {
    out.writeObjectFieldStart("model");
    out.writeStringField("type", "BPE");
    out.writeNullField("dropout");
    out.writeNullField("unk_token");
    out.writeNullField("continuing_subword_prefix");
    out.writeNullField("end_of_word_suffix");
    out.writeBooleanField("fuse_unk", false);
    out.writeBooleanField("byte_fallback", false);
    out.writeBooleanField("ignore_merges", definition.pairs().wholePieces());
    out.writeObjectFieldStart("vocab");
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.isSearched(id)) {
        out.writeNumberField(name(id), id);
      }
    }
    out.writeEndObject();
    out.writeArrayFieldStart("merges");
    Merges merges = definition.pairs().merges();
    for (int rank = 0; rank < merges.size(); rank++) {
      out.writeString(name(merges.left(rank)) + " " + name(merges.right(rank)));
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private String name(int id) {
    String content = contents.get(id);
    return content != null ? content : ByteLevel.text(vocabulary.bytes(id));
  }
}
