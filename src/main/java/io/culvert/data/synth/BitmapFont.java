package io.culvert.data.synth;

/**
 * Capital letters and figures of 5 x 7 dots, as the text generators of inspection cameras burn them in. Own dots rather
 * than AWT text: a machine without fonts draws the same frame.
 */
final class BitmapFont {
    static final int ADVANCE = 6;
    static final int LINE = 7;
    private static final String CHARACTERS = " +,-./0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ%";

    /** Five columns a character, two hexadecimal digits each, lowest bit on top. */
    private static final String COLUMNS = "0000000000" + "08083E0808" + "0050300000" + "0808080808" + "0060600000"
            + "2010080402" + "3E5149453E" + "00427F4000" + "4261514946" + "2141454B31" + "1814127F10" + "2745454539"
            + "3C4A494930" + "0171090503" + "3649494936" + "064949291E" + "0036360000" + "7E1111117E" + "7F49494936"
            + "3E41414122" + "7F4141221C" + "7F49494941" + "7F09090901" + "3E4149497A" + "7F0808087F" + "00417F4100"
            + "2040413F01" + "7F08142241" + "7F40404040" + "7F020C027F" + "7F0408107F" + "3E4141413E" + "7F09090906"
            + "3E4151215E" + "7F09192946" + "4649494931" + "01017F0101" + "3F4040403F" + "1F2040201F" + "3F4038403F"
            + "6314081463" + "0708700807" + "6151494543" + "2313086462";

    private BitmapFont() {}

    /** Whether the dot at (column, row) of {@code text} is set; the text is {@code ADVANCE * length} dots wide. */
    static boolean dot(String text, int column, int row) {
        int within = column % ADVANCE;
        if (within == ADVANCE - 1) {
            return false;
        }
        int character = CHARACTERS.indexOf(Character.toUpperCase(text.charAt(column / ADVANCE)));
        if (character < 0) {
            return false;
        }
        int at = 10 * character + 2 * within;
        return (Integer.parseInt(COLUMNS, at, at + 2, 16) >> row & 1) != 0;
    }

    /** Draws {@code text} with its top left dot at (left, top), clipped to the image. */
    static void draw(byte[] rgb, int width, int height, String text, int left, int top, int scale, int lightness) {
        for (int y = 0; y < LINE * scale; y++) {
            for (int x = 0; x < text.length() * ADVANCE * scale; x++) {
                if (dot(text, x / scale, y / scale)) {
                    fill(rgb, width, height, left + x, top + y, 1, 1, lightness);
                }
            }
        }
    }

    /** Fills a rectangle with one grey, clipped to the image. */
    static void fill(byte[] rgb, int width, int height, int left, int top, int w, int h, int lightness) {
        for (int y = Math.max(0, top); y < Math.min(height, top + h); y++) {
            for (int x = Math.max(0, left); x < Math.min(width, left + w); x++) {
                int at = 3 * (y * width + x);
                rgb[at] = (byte) lightness;
                rgb[at + 1] = (byte) lightness;
                rgb[at + 2] = (byte) lightness;
            }
        }
    }
}
