/**
 * Curves: on a frame of characters, and as PNG and SVG. It knows series of numbers and frames, and
 * no run's internals.
 */
package dev.anneal.terminal.plot;
