/**
 * A class per command, for the command line, scripts and the prompt alike, and the shell that they
 * act on. It knows sessions and all below, by picocli; it does not know which of the three has
 * called it.
 */
package dev.anneal.terminal.command;
