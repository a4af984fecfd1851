package dev.anneal.data;

import dev.anneal.tokenizer.Tokenizer;
import java.util.List;

/** Text in memory, as tokens, with the end of text before each document. */
public final class TextTokens implements TokenSource {
  private final String name;
  private final Tokenizer tokenizer;
  private final PackedTokens tokens;
  private final String fingerprint;

  TextTokens(String name, Tokenizer tokenizer, PackedTokens tokens) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.tokens = tokens;
    this.fingerprint = fingerprint(tokenizer, tokens.length()).add(tokens.content()).hex();
  }

  /** What the fingerprint of {@code length} tokens begins with; their bytes follow. */
  static Fingerprint fingerprint(Tokenizer tokenizer, long length) {
    return new Fingerprint().add(tokenizer.identity()).add(length);
  }

  /** The tokens of some documents. */
  public static TextTokens of(String name, List<String> documents, Tokenizer tokenizer) {
    PackedTokens tokens = new PackedTokens(tokenizer.vocabularySize());
    for (String document : documents) {
      tokens.add(tokenizer.endOfText());
      tokens.add(tokenizer.encode(document));
    }
    tokens.trim();
    return new TextTokens(name, tokenizer, tokens);
  }

  @Override
  public String description() {
    return name;
  }

  @Override
  public long length() {
    return tokens.length();
  }

  @Override
  public void read(long from, int[] into, int offset, int count) {
    tokens.read(from, into, offset, count);
  }

  @Override
  public int vocabulary() {
    return tokenizer.vocabularySize();
  }

  @Override
  public String place(long position) {
    return "token " + position + " of " + name;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }
}
