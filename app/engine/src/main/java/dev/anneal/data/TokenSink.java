package dev.anneal.data;

/** Takes token ids, one after the other. */
interface TokenSink {
  void add(int... tokens);
}
