/**
 * From a user's files to batches: which files, which documents, which tokens, which windows in
 * which order. A corpus of any size takes little memory, and the order is a function of seed and
 * epoch. It knows tokenizers and files, and no model.
 */
package dev.anneal.data;
