/**
 * Text from a model: decoding with a cache of keys and values, and drawing the next token. It reads
 * parameters where they are and changes nothing of a run. It knows models, plans and the device
 * interface.
 */
package dev.anneal.generation;
