/**
 * Image transforms with torchvision v2's definitions on float tensors, and the recipes that draw their parameters.
 *
 * <p>An image is three float planes ({@link io.culvert.data.augment.FloatImage}) between the resize, which reads the
 * decoder's interleaved bytes, and the normalisation, which writes the interleaved floats the network reads.
 */
package io.culvert.data.augment;
