package dev.anneal.gpu;

/**
 * A number of a vendor's header, under the name that the header has for it: by that name, tests
 * hold it against numbers that were generated from the header itself. A binding passes numbers of
 * this type only, so that one without a name does not compile.
 */
public record HeaderConstant(String name, int value) {}
