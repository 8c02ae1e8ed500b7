/** The processes that train one network together: which of them this one is, how they meet, how they learn that one is gone. */
package io.culvert.ranks;
