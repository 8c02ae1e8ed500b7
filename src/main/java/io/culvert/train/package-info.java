/** The training loop and what surrounds it: the run's configuration, its folder, its metrics, its progress line. */
package io.culvert.train;
