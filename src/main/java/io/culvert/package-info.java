/** Culvert: self-supervised vision models for anomaly detection, straight on the hardware. */
package io.culvert;
