/**
 * Reads and writes safetensors files: an 8-byte little-endian header length, a JSON header that names each tensor's
 * type, shape and byte range, then the bytes. Knows no other package of Culvert but its exceptions.
 */
package io.culvert.safetensors;
