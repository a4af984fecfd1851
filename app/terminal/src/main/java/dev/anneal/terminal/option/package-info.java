/**
 * Options that several commands share, each declared once. They may use the shell, and know neither
 * commands nor what shows a run.
 */
package dev.anneal.terminal.option;
