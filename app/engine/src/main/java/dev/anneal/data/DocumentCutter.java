package dev.anneal.data;

/**
 * Cuts a text that comes in pieces into documents. Only a whole file keeps every character: by the
 * other rules, line feeds before a document and documents of nothing else are left out.
 */
final class DocumentCutter {
  private final String separator;
  private final boolean kept;
  private final boolean whole;
  private final DocumentSink sink;

  /** What may be the beginning of a separator. */
  private final StringBuilder rest = new StringBuilder();

  private boolean inDocument;
  private boolean found;

  DocumentCutter(Documents rule, DocumentSink sink) {
    this.sink = sink;
    this.whole = rule == Documents.Named.FILE;
    this.kept = rule instanceof Documents.Named;
    this.separator =
        switch (rule) {
          case Documents.Named named ->
              switch (named) {
                case FILE -> "";
                case BLANK_LINE -> "\n\n";
                case LINE -> "\n";
              };
          case Documents.Separator(String text) -> text;
        };
  }

  /** Whether there was a separator. */
  boolean found() {
    return found;
  }

  void text(CharSequence piece) {
    if (whole) {
      emit(piece);
      return;
    }
    rest.append(piece);
    int from = 0;
    for (int at = rest.indexOf(separator); at >= 0; at = rest.indexOf(separator, from)) {
      found = true;
      emit(rest.subSequence(from, kept ? at + separator.length() : at));
      inDocument = false;
      from = at + separator.length();
    }
    int left = Math.max(from, rest.length() - separator.length() + 1);
    emit(rest.subSequence(from, left));
    rest.delete(0, left);
  }

  /** The file is over, and so is its last document. */
  void end() {
    emit(rest);
    rest.setLength(0);
    inDocument = false;
  }

  private void emit(CharSequence text) {
    int from = 0;
    if (!inDocument && !whole) {
      while (from < text.length() && text.charAt(from) == '\n') {
        from++;
      }
    }
    if (from == text.length()) {
      return;
    }
    if (!inDocument) {
      sink.begin();
      inDocument = true;
    }
    sink.text(text.subSequence(from, text.length()));
  }
}
