/**
 * Text to token ids and back: bytes, and GPT-2's byte-pair encoding. It knows nothing of the rest
 * but {@link dev.anneal.failure}.
 */
package dev.anneal.tokenizer;
