/**
 * A frame: a grid of cells with characters and styles. It knows nothing of who draws it or where it
 * is shown.
 */
package dev.anneal.terminal.frame;
