/**
 * Weights on disk: directories of checkpoints that are whole or not there, safetensors, llm.c's
 * files, and files that users name. Everything is written beside, synced and renamed. It knows
 * models' parameters, and neither devices nor runs.
 */
package dev.anneal.checkpoint;
