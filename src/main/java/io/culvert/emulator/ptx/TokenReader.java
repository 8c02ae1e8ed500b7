package io.culvert.emulator.ptx;

import java.util.List;

/** A position in the tokens of a PTX text. */
final class TokenReader {
    private final List<Token> tokens;
    private final String[] lines;
    private int at;

    TokenReader(String text) {
        tokens = Lexer.tokens(text);
        lines = text.split("\n", -1);
    }

    boolean atEnd() {
        return at == tokens.size() - 1;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        if (atEnd()) {
            throw new PtxException(peek().line(), "the text ends in the middle of a statement");
        }
        return tokens.get(at++);
    }

    boolean isNumber() {
        return !peek().text().isEmpty() && Character.isDigit(peek().text().charAt(0));
    }

    /** Whether the token can name a variable, register, label or function. */
    static boolean isName(Token token) {
        char first = token.text().isEmpty() ? ' ' : token.text().charAt(0);
        return Character.isLetter(first) || first == '_' || (first == '$' || first == '%') && token.text().length() > 1;
    }

    boolean accept(String text) {
        if (!peek().is(text)) {
            return false;
        }
        at++;
        return true;
    }

    void expect(String text) {
        Token token = next();
        if (!token.is(text)) {
            throw new PtxException(
                    token.line(), "expected '%s', found '%s' in: %s", text, token.text(), line(token.line()));
        }
    }

    /** A whole number, with its sign. */
    long integer() {
        boolean negative = accept("-");
        Token token = next();
        long value = number(token);
        return negative ? -value : value;
    }

    /** An integer literal: decimal, 0x, 0b or octal, with or without U. */
    static long number(Token token) {
        String text = token.text();
        text = text.endsWith("U") ? text.substring(0, text.length() - 1) : text;
        try {
            if (text.startsWith("0x") || text.startsWith("0X")) {
                return Long.parseUnsignedLong(text.substring(2), 16);
            }
            if (text.startsWith("0b") || text.startsWith("0B")) {
                return Long.parseUnsignedLong(text.substring(2), 2);
            }
            if (text.length() > 1 && text.startsWith("0")) {
                return Long.parseUnsignedLong(text, 8);
            }
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            throw new PtxException(token.line(), "'%s' is no integer", token.text());
        }
    }

    /** Leaves out {@code .section name { ... }}: debug strings. */
    void skipSection() {
        next();
        next();
        expect("{");
        for (int depth = 1; depth > 0; ) {
            Token token = next();
            depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
        }
    }

    String line(int number) {
        return lines[number - 1].strip();
    }

    PtxException unsupported(String what, Token token) {
        return new PtxException(token.line(), "unsupported: %s '%s' in: %s", what, token.text(), line(token.line()));
    }
}
