/** Sewer-ML's annotations and images, and the loader that turns them into batches of augmented views. */
package io.culvert.data;
