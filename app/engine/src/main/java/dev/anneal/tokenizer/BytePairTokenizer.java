package dev.anneal.tokenizer;

import dev.anneal.failure.Failure;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * A byte-level byte-pair encoding that a file describes, such as Llama 3's or one that was trained
 * here. A text's marks are found first, then it is cut into pieces, and the bytes of each piece are
 * merged, on all cores where the text is long.
 *
 * <p>Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016;
 * the bytes are Radford et al.'s, 2019.
 */
public final class BytePairTokenizer implements Tokenizer {
  /** Bytes encoded at a time, so that a large text is encoded by all cores. */
  private static final int CHUNK = 1 << 18;

  private static final int SHOWN = 8;

  private final Definition definition;
  private final Vocabulary vocabulary;

  /** Of what ordinary text may become; special tokens are not among them. */
  private final Found ordinary;

  private final Found all;
  private final Queue<PieceEncoder> encoders = new ConcurrentLinkedQueue<>();
  private Optional<String> checksum = Optional.empty();

  /** Tokens that are looked for in a text as it is, and in what normalizing makes of it. */
  private record Found(AddedTokens asIs, AddedTokens normalized) {
    static Found of(List<AddedToken> added, Predicate<AddedToken> which) {
      return new Found(
          new AddedTokens(added.stream().filter(which).filter(t -> !t.normalized()).toList()),
          new AddedTokens(added.stream().filter(which).filter(AddedToken::normalized).toList()));
    }
  }

  BytePairTokenizer(Definition definition) {
    this.definition = definition;
    this.vocabulary = definition.pairs().vocabulary();
    this.ordinary = Found.of(definition.added(), token -> !token.special());
    this.all = Found.of(definition.added(), token -> true);
  }

  /** {@code bpe-} and the beginning of its checksum. */
  @Override
  public String name() {
    return "bpe-" + checksum().substring(0, SHOWN);
  }

  @Override
  public String identity() {
    return "bpe-" + checksum();
  }

  /** The SHA-256 of {@link #json}. */
  private synchronized String checksum() {
    if (checksum.isEmpty()) {
      try {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(json());
        checksum = Optional.of(HexFormat.of().formatHex(digest));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has SHA-256", e);
      }
    }
    return checksum.get();
  }

  /** All of it as a {@code tokenizer.json}, always in the same bytes. */
  public byte[] json() {
    return TokenizerJsonWriter.bytes(definition);
  }

  Definition definition() {
    return definition;
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  /**
   * The token before each document.
   *
   * @throws Failure when it has none that is known to be that
   */
  @Override
  public int endOfText() {
    return definition
        .documentMark()
        .orElseThrow(
            () ->
                Failure.failed(
                    "the tokenizer "
                        + name()
                        + " has no token that stands between documents, such as <|endoftext|>;"
                        + " add one to its added_tokens"));
  }

  /** The special token of this name, such as {@code <|eot_id|>}. */
  public OptionalInt mark(String content) {
    return definition.added().stream()
        .filter(token -> token.content().equals(content))
        .mapToInt(AddedToken::id)
        .findFirst();
  }

  @Override
  public byte[] bytes(int token) {
    return vocabulary.bytes(Tokenizer.requireToken(this, token));
  }

  @Override
  public int[] encode(String text) {
    return encode(text, ordinary, CHUNK);
  }

  int[] encode(String text, int chunk) {
    return encode(text, ordinary, chunk);
  }

  @Override
  public int[] encodeMarked(String text) {
    return encode(text, all, CHUNK);
  }

  private int[] encode(String text, Found found, int chunk) {
    TokenBuffer tokens = new TokenBuffer(text.length() / 4);
    marked(
        Tokenizer.wellFormed(text),
        found.asIs(),
        tokens,
        part ->
            marked(
                composed(part), found.normalized(), tokens, rest -> pieces(rest, chunk, tokens)));
    return tokens.toArray();
  }

  @FunctionalInterface
  private interface Parts {
    void part(String text);
  }

  /** Adds the tokens that {@code found} finds, and leaves what is between them to {@code rest}. */
  private static void marked(String text, AddedTokens found, TokenBuffer tokens, Parts rest) {
    int from = 0;
    if (!found.isEmpty()) {
      for (Optional<AddedTokens.Match> next = found.next(text, 0);
          next.isPresent();
          next = found.next(text, from)) {
        AddedTokens.Match match = next.get();
        if (match.from() > from) {
          rest.part(text.substring(from, match.from()));
        }
        tokens.add(match.token().id());
        from = match.to();
      }
    }
    if (from < text.length()) {
      rest.part(text.substring(from));
    }
  }

  private String composed(String text) {
    return definition.composed() ? Normalizer.normalize(text, Normalizer.Form.NFC) : text;
  }

  private void pieces(String text, int chunk, TokenBuffer tokens) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int[] cuts = cuts(utf8, chunk);
    if (cuts.length == 2) {
      pieces(utf8, 0, utf8.length, tokens);
      return;
    }
    IntStream.range(1, cuts.length)
        .parallel()
        .mapToObj(
            i -> {
              TokenBuffer part = new TokenBuffer((cuts[i] - cuts[i - 1]) / 4);
              pieces(utf8, cuts[i - 1], cuts[i], part);
              return part;
            })
        .toList()
        .forEach(tokens::add);
  }

  private void pieces(byte[] utf8, int from, int to, TokenBuffer tokens) {
    PieceEncoder taken = encoders.poll();
    PieceEncoder encoder = taken != null ? taken : new PieceEncoder(definition.pairs());
    PreTokenizer preTokenizer = definition.preTokenizer();
    for (int at = from; at < to; ) {
      int end = preTokenizer.pieceEnd(utf8, at, to);
      encoder.encode(utf8, at, end, tokens);
      at = end;
    }
    encoders.add(encoder);
  }

  /**
   * Where parts of at least {@code chunk} bytes begin that encode as the whole does; and its end.
   */
  private int[] cuts(byte[] utf8, int chunk) {
    TokenBuffer cuts = new TokenBuffer(16);
    cuts.add(0);
    for (int i = chunk; i < utf8.length; i++) {
      if ((utf8[i] == ' ' || utf8[i] == '\n')
          && definition
              .preTokenizer()
              .cutsBefore(utf8[i], CharacterClass.at(utf8, CharacterClass.before(utf8, i)))) {
        cuts.add(i);
        i += chunk;
      }
    }
    cuts.add(utf8.length);
    return cuts.toArray();
  }

  @Override
  public int lastCut(CharSequence text) {
    for (int i = text.length() - 1; i > 0; i--) {
      if (definition.preTokenizer().isCut(text, i)
          && !ordinary.asIs().crosses(text, i)
          && !ordinary.normalized().crosses(text, i)) {
        return i;
      }
    }
    return 0;
  }
}
