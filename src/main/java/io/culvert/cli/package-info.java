/** The command line: one class a command, all registered in {@link io.culvert.cli.Main}. */
package io.culvert.cli;
