/*
 * Prints what the C compiler makes of a header: one line for each entry, "NAME value". The entries (CONSTANT, SIZE,
 * OFFSET) are in the file ENTRIES, which LayoutTest writes from native/symbols and the generated classes; it compares
 * the lines with the values in those classes.
 *
 *   cc -w -DHEADER='"native/headers/NAME.h"' -DENTRIES='"entries.inc"' -I... native/layout/layout.c
 */
#include HEADER

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void print_integer(const char *name, long long value) { printf("%s %lld\n", name, value); }
/* As bits: no two languages write a double alike. */
static void print_real(const char *name, double value) {
    long long bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s %lld\n", name, bits);
}
static void print_text(const char *name, const char *value) { printf("%s %s\n", name, value); }
static void print_address(const char *name, const void *value) { printf("%s %lld\n", name, (long long) value); }

#define CONSTANT(name)                                                                                          \
    _Generic((name), float: print_real, double: print_real, char *: print_text, void *: print_address, default: \
             print_integer)(#name, name);
#define SIZE(name, type) printf("%s %zu\n", name, sizeof(type));
#define OFFSET(name, type, field) printf("%s %zu\n", name, offsetof(type, field));

int main(void) {
#include ENTRIES
    return 0;
}
