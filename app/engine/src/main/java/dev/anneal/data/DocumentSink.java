package dev.anneal.data;

/** Takes a corpus as it is read: documents, each in pieces. */
interface DocumentSink {
  /** A document begins; the one before is over. */
  void begin();

  /** A part of the document; a pair of surrogates may be cut by the end of a piece. */
  void text(CharSequence piece);
}
