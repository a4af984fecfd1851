/**
 * The real terminal: JLine owns the settings, the signals and the only reader of keys, and Lanterna
 * draws. No other package knows Lanterna.
 */
package dev.anneal.terminal.screen;
