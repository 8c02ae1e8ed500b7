/**
 * Procedural sewer inspection frames: a pipe as a CCTV camera sees it, with defects named by Sewer-ML's codes, drawn
 * ray by ray. Pictures serve as a data set that anyone may have; they are no substitute for real recordings.
 */
package io.culvert.data.synth;
