/**
 * What a terminal can show and how text is fitted to it: widths of characters, colours, columns,
 * units of numbers, and the words for events and summaries. It knows what sessions tell, and of
 * terminal libraries only JLine's table of widths.
 */
package dev.anneal.terminal.text;
