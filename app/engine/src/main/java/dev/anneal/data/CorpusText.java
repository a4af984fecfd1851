package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.CharBuffer;
import java.nio.file.Files;

/** Reads the documents of text files, one after the other. */
record CorpusText(TextRules rules, ReadingProgress progress) {
  /**
   * Gives all documents to {@code sink}.
   *
   * @param bytes of all files
   * @throws Failure when a file cannot be read, or a rule does not apply
   */
  void read(CorpusFiles found, long bytes, DocumentSink sink) {
    long before = 0;
    boolean cut = false;
    for (CorpusFiles.TextFile file : found.files()) {
      try (InputStream raw = Files.newInputStream(file.path());
          CountedInput counted = new CountedInput(raw, progress, found.source(), before, bytes);
          TextStream text = TextStream.open(file.path(), counted)) {
        RecordReader records = new RecordReader(file.path(), rules.field(), sink);
        switch (file.form()) {
          case TEXT -> cut |= documents(text, sink);
          case JSON_LINES -> records.lines(text);
          case JSON -> records.array(text);
        }
        before = counted.done();
      } catch (IOException e) {
        throw FileFailures.cannotRead(file.path(), e);
      }
    }
    if (!cut && rules.documents() instanceof Documents.Separator separator) {
      throw Failure.usage(
          setting("documents")
              + " "
              + separator
              + " is nowhere in "
              + found.source()
              + "; there are file, blank-line, line, or a text that stands between documents");
    }
  }

  /** Whether there was a separator. */
  private boolean documents(TextStream text, DocumentSink sink) throws IOException {
    DocumentCutter cutter = new DocumentCutter(rules.documents(), sink);
    char[] piece = new char[1 << 15];
    for (int n = text.read(piece, 0, piece.length); n >= 0; n = text.read(piece, 0, piece.length)) {
      cutter.text(CharBuffer.wrap(piece, 0, n));
    }
    cutter.end();
    return cutter.found();
  }
}
