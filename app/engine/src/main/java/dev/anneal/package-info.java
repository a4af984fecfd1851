/**
 * The trainer for programs in Java: {@link dev.anneal.Anneal} opens data, a model and a device, and
 * trains, samples, saves and loads. It knows sessions and all below them and no terminal; a program
 * needs no other package than this one and the types that its methods take and give.
 */
package dev.anneal;
