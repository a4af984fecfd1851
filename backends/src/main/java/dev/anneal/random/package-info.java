/**
 * Random numbers as functions of what they are for: seed, purpose, stream, element and step, by
 * Philox. There is no state to save. It knows nothing else, and everything may use it.
 */
package dev.anneal.random;
