/**
 * Text to token ids and back: bytes, GPT-2's byte-pair encoding, and byte-level ones from files. It
 * knows nothing of the rest but how files are read ({@link dev.anneal.checkpoint}) and {@link
 * dev.anneal.failure}.
 */
package dev.anneal.tokenizer;
