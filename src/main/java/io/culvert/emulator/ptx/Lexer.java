package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits PTX text into tokens; comments vanish. Opcodes and special registers keep their dots: one token each.
 * Directives that follow each other with no space, as inline assembly has them, are several.
 */
final class Lexer {
    private Lexer() {}

    static List<Token> tokens(String text) {
        List<Token> tokens = new ArrayList<>();
        int line = 1;
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '\n') {
                line++;
                at++;
            } else if (c <= ' ') {
                at++;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (text.startsWith("/*", at)) {
                int end = text.indexOf("*/", at);
                if (end < 0) {
                    throw new PtxException(line, "comment has no end");
                }
                line += (int)
                        text.substring(at, end).chars().filter(x -> x == '\n').count();
                at = end + 2;
            } else {
                int end = c == '"' ? text.indexOf('"', at + 1) + 1 : wordEnd(text, at);
                if (end <= at) {
                    throw new PtxException(line, "string has no end");
                }
                tokens.add(new Token(text.substring(at, end), line));
                at = end;
            }
        }
        tokens.add(new Token("", line));
        return tokens;
    }

    private static int wordEnd(String text, int at) {
        int end = at;
        boolean directive = text.charAt(at) == '.';
        while (end < text.length() && (isWord(text.charAt(end)) || text.startsWith("::", end))) {
            if (directive && end > at && text.charAt(end) == '.') {
                break;
            }
            end += text.startsWith("::", end) ? 2 : 1;
        }
        return Math.max(end, at + 1);
    }

    private static boolean isWord(char c) {
        return c >= 'a' && c <= 'z'
                || c >= 'A' && c <= 'Z'
                || c >= '0' && c <= '9'
                || c == '_'
                || c == '$'
                || c == '%'
                || c == '.';
    }
}
