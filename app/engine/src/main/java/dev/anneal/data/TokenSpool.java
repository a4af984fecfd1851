package dev.anneal.data;

import dev.anneal.tokenizer.Tokenizer;

/** Makes tokens of documents as they come, in pieces that are encoded as the whole would be. */
final class TokenSpool implements DocumentSink {
  /** UTF-16 units that are encoded at once: enough for all cores, as far as the heap allows. */
  private static final int PIECE =
      (int) Math.clamp(Runtime.getRuntime().maxMemory() >> 7, 1 << 18, 1 << 21);

  /** Text without any place to cut is cut here, but not within a character. */
  private static final int LONGEST = 1 << 22;

  private final Tokenizer tokenizer;
  private final TokenSink tokens;
  private final StringBuilder pending = new StringBuilder();
  private long documents;

  TokenSpool(Tokenizer tokenizer, TokenSink tokens) {
    this.tokenizer = tokenizer;
    this.tokens = tokens;
  }

  long documents() {
    return documents;
  }

  @Override
  public void begin() {
    flush();
    tokens.add(tokenizer.endOfText());
    documents++;
  }

  @Override
  public void text(CharSequence piece) {
    pending.append(piece);
    if (pending.length() < PIECE) {
      return;
    }
    int cut = tokenizer.lastCut(pending);
    if (cut > 0) {
      encode(cut);
    } else if (pending.length() > LONGEST) {
      encode(LONGEST - (Character.isHighSurrogate(pending.charAt(LONGEST - 1)) ? 1 : 0));
    }
  }

  /** Everything has come. */
  void flush() {
    encode(pending.length());
  }

  private void encode(int length) {
    if (length > 0) {
      tokens.add(tokenizer.encode(pending.substring(0, length)));
      pending.delete(0, length);
    }
  }
}
