package dev.anneal.data;

import java.util.List;

/**
 * A text as tokens.
 *
 * @param documents how many it has; an end of text is before each
 * @param notes what its user should know of it, a line each
 */
public record TextCorpus(TokenSource tokens, long documents, List<String> notes) {
  public TextCorpus {
    notes = List.copyOf(notes);
  }

  TextCorpus(TokenSource tokens, long documents) {
    this(tokens, documents, List.of());
  }

  TextCorpus withNotes(List<String> more) {
    return new TextCorpus(
        tokens, documents, java.util.stream.Stream.concat(notes.stream(), more.stream()).toList());
  }
}
