/**
 * Many runs as one: a grid of configurations, planned, run by any number of workers that share a folder, and compared.
 * The folder of each run is the truth; tables and reports are read out of it.
 */
package io.culvert.study;
