package dev.anneal.cuda;

/** cuDNN said no, which is an answer where it was asked whether it can do something. */
final class CudnnException extends RuntimeException {
  private static final long serialVersionUID = 1;

  CudnnException(String doing, int status, String says) {
    this(doing + ": status " + status + ", " + says);
  }

  CudnnException(String what) {
    super(what);
  }
}
