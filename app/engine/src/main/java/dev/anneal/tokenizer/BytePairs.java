package dev.anneal.tokenizer;

/**
 * A byte-pair encoding: all that says which tokens a piece of text has.
 *
 * @param byteTokens the token of each byte
 * @param wholePieces whether a piece that is a token is that, whatever merges make of it: {@code
 *     ignore_merges}
 */
record BytePairs(Vocabulary vocabulary, Merges merges, int[] byteTokens, boolean wholePieces) {}
