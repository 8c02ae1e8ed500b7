/** Holds the program against conformance vectors: files that state inputs and the outputs and gradients expected. */
package io.culvert.verify;
