/**
 * A class per command, and the list of them. They may use all other rooms of the terminal but the
 * prompt and the start, which alone know them.
 */
package dev.anneal.terminal.command;
