package dev.anneal.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The first 128 bits of a SHA-256. */
final class Fingerprint {
  private static final int SHOWN_BYTES = 16;

  private final MessageDigest digest;

  Fingerprint() {
    try {
      this.digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  Fingerprint add(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return add(utf8.length).add(ByteBuffer.wrap(utf8));
  }

  Fingerprint add(long number) {
    return add(ByteBuffer.allocate(Long.BYTES).putLong(0, number));
  }

  Fingerprint add(ByteBuffer bytes) {
    digest.update(bytes);
    return this;
  }

  /** The result; nothing can be added then. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest(), 0, SHOWN_BYTES);
  }
}
