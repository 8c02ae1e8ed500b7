/** Event files that TensorBoard reads: protocol buffers written by hand, in the framing of TFRecord. */
package io.culvert.tensorboard;
