package dev.anneal.checkpoint;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A file that a user named to be written, and what becomes of what is there: a file of the same
 * kind is replaced, any other is refused unless forced, and what is no file is written to as it is.
 */
public final class OutputFile {
  private static final Path STANDARD_OUTPUT = Path.of("-");
  private static final int MOST_LINKS = 40;
  private static final int PIPE_SECONDS = 10;

  private final Path named;
  private final Target target;

  private sealed interface Target {}

  /** A file that is there or will be; no link. */
  private record Whole(Path path) implements Target {}

  /** A pipe, a device, or a file that was open before this process began. */
  private record Stream(Path path, PathKind kind) implements Target {}

  /** A stream that this process has open. Opened anew by its name, it would begin at 0 again. */
  private record Open(FileDescriptor descriptor) implements Target {}

  private OutputFile(Path named, Target target) {
    this.named = named;
    this.target = target;
  }

  /**
   * Decides what {@code named} stands for; {@code -} is standard output. Nothing is written yet, so
   * that a command can ask before its work.
   *
   * @param content what will be written
   * @param force replace a file of any kind
   * @throws Failure when it cannot be written, or is a file of another kind
   */
  public static OutputFile of(Path named, WrittenContent content, boolean force) {
    try {
      Target target = target(named);
      switch (target) {
        case Whole(Path path) -> {
          requirePlace(named, path);
          if (!force && Files.exists(path)) {
            requireReplaceable(named, path, content);
          }
        }
        case Stream(Path path, PathKind kind) -> {
          if (kind == PathKind.SOCKET || kind == PathKind.BLOCKS && !force) {
            throw Failure.failed(
                FileFailures.shown(named) + " " + kind.words() + "; name a file to write");
          }
        }
        case Open open -> {}
      }
      return new OutputFile(named, target);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(named, e);
    }
  }

  /** Whether {@code named} is a stream: what it gets has no name to tell its format by. */
  public static boolean isStream(Path named) {
    try {
      return !(target(named) instanceof Whole);
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether it is this process's standard output, where nothing else should go then. */
  public boolean isStandardOutput() {
    return target instanceof Open(FileDescriptor descriptor) && descriptor == FileDescriptor.out;
  }

  /**
   * Writes all of it: a file whole or not at all, a stream as it comes.
   *
   * @throws Failure when it cannot be written; a file is as it was
   */
  public void write(FileWriter content) {
    if (target instanceof Whole(Path path)) {
      DurableFile.write(path, content);
      return;
    }
    try (WritableByteChannel out = Channels.newChannel(open())) {
      content.writeTo(out);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(named, e);
    }
  }

  /**
   * Opens it for what comes bit by bit; a file loses what it had. The names and rights that it has
   * stay its own.
   *
   * @throws Failure when it cannot be opened, or is a pipe that nobody reads
   */
  public OutputStream open() {
    try {
      return switch (target) {
        case Whole(Path path) -> Files.newOutputStream(path);
        case Stream(Path path, PathKind kind) when kind == PathKind.PIPE -> pipe(path);
        case Stream(Path path, PathKind kind) ->
            Files.newOutputStream(
                path, kind == PathKind.FILE ? StandardOpenOption.APPEND : StandardOpenOption.WRITE);
        // Never closed: it is not ours.
        case Open(FileDescriptor descriptor) ->
            new FileOutputStream(descriptor) {
              @Override
              public void close() {}
            };
      };
    } catch (IOException e) {
      throw FileFailures.cannotWrite(named, e);
    }
  }

  /** The path as the user gave it. */
  public Path path() {
    return named;
  }

  @Override
  public String toString() {
    return named.toString();
  }

  /** Opening a pipe waits for its reader, which no signal ends. */
  private OutputStream pipe(Path path) throws IOException {
    CompletableFuture<OutputStream> opened = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                OutputStream stream = Files.newOutputStream(path, StandardOpenOption.WRITE);
                if (!opened.complete(stream)) {
                  stream.close();
                }
              } catch (IOException | RuntimeException e) {
                opened.completeExceptionally(e);
              }
            });
    try {
      return opened.get(PIPE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      opened.cancel(false);
      throw Failure.failed(
          "nobody reads the pipe " + named + "; start its reader, such as 'cat " + named + "'");
    } catch (InterruptedException e) {
      opened.cancel(false);
      throw new Failure(ExitCode.INTERRUPTED, "cancelled", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
    }
  }

  private static Target target(Path named) throws IOException {
    if (named.toString().isEmpty()) {
      throw Failure.usage("the name of the file to write is empty");
    }
    Path path = named;
    for (int i = 0; i < MOST_LINKS; i++) {
      Optional<FileDescriptor> open = descriptor(path);
      if (open.isPresent()) {
        return new Open(open.get());
      }
      if (!Files.isSymbolicLink(path) || PathKind.isOfProcess(path)) {
        PathKind kind = PathKind.of(path);
        return switch (kind) {
          case FILE, NOTHING ->
              PathKind.isOfProcess(path) ? new Stream(path, kind) : new Whole(path);
          case FOLDER ->
              throw Failure.failed(
                  FileFailures.shown(named) + " is a directory; give the name of a file to write");
          case PIPE, CHARACTERS, BLOCKS, SOCKET -> new Stream(path, kind);
        };
      }
      path = path.toAbsolutePath().resolveSibling(Files.readSymbolicLink(path));
    }
    throw new FileSystemLoopException(named.toString());
  }

  private static Optional<FileDescriptor> descriptor(Path path) {
    if (path.equals(STANDARD_OUTPUT)) {
      return Optional.of(FileDescriptor.out);
    }
    return switch (path.normalize().toString()) {
      case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" -> Optional.of(FileDescriptor.out);
      case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2" -> Optional.of(FileDescriptor.err);
      default -> Optional.empty();
    };
  }

  private static void requirePlace(Path named, Path path) {
    Path folder = path.toAbsolutePath().getParent();
    if (folder == null) {
      return;
    }
    String why =
        switch (PathKind.of(folder)) {
          case FOLDER -> Files.isWritable(folder) ? "" : " cannot be written to";
          case NOTHING -> " does not exist; make it first";
          default -> " is no directory";
        };
    if (!why.isEmpty()) {
      throw Failure.failed(
          "cannot write "
              + FileFailures.shown(named)
              + ": the directory "
              + FileFailures.shown(folder)
              + why);
    }
  }

  private static void requireReplaceable(Path named, Path path, WrittenContent content)
      throws IOException {
    if (Files.size(path) == 0) {
      return;
    }
    byte[] head;
    try (InputStream in = Files.newInputStream(path)) {
      head = in.readNBytes(WrittenContent.HEAD_BYTES);
    }
    if (!content.isIn(head)) {
      throw Failure.failed(
          FileFailures.shown(named)
              + " is there and is not "
              + content.words()
              + "; name another file, or replace it with "
              + setting("force"));
    }
    if (!Files.isWritable(path)) {
      throw Failure.failed(
          FileFailures.shown(named)
              + " is there and is read-only; name another file, or replace it with "
              + setting("force"));
    }
  }
}
