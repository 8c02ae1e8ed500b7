package io.culvert.data.synth;

import io.culvert.data.DefectCode;
import java.nio.file.Path;
import java.util.Arrays;

/** One picture of many: a sound pipe and one pipe for each defect code, with captions. */
public final class ContactSheet {
    private static final int COLUMNS = 6;
    private static final int TILE_WIDTH = 242;
    private static final int TILE_HEIGHT = 198;
    private static final int CAPTION = 16;
    private static final int GAP = 4;
    /** A split of its own, so that the sheet shows no picture of the data set. */
    private static final int SPLIT = 2;

    private ContactSheet() {}

    /**
     * Writes a JPEG sheet of tiles.
     *
     * @param seed which pipes to show
     */
    public static void write(Path file, long seed, double nuisance, double severity) {
        DefectCode[] codes = DefectCode.values();
        int rows = (codes.length + COLUMNS) / COLUMNS;
        int width = COLUMNS * (TILE_WIDTH + GAP) + GAP;
        int height = rows * (TILE_HEIGHT + CAPTION + GAP) + GAP;
        byte[] sheet = new byte[3 * width * height];
        Arrays.fill(sheet, (byte) 24);
        SceneFactory factory = new SceneFactory(seed, 1, nuisance, severity);
        Renderer renderer = new Renderer(TILE_WIDTH, TILE_HEIGHT);
        for (int tile = 0; tile <= codes.length; tile++) {
            DefectCode code = tile == 0 ? null : codes[tile - 1];
            Scene scene = code == null ? factory.sound(SPLIT, 0) : factory.with(SPLIT, tile, code);
            Frame frame = renderer.render(scene);
            int left = GAP + tile % COLUMNS * (TILE_WIDTH + GAP);
            int top = GAP + tile / COLUMNS * (TILE_HEIGHT + CAPTION + GAP);
            for (int row = 0; row < TILE_HEIGHT; row++) {
                System.arraycopy(
                        frame.rgb(), 3 * row * TILE_WIDTH, sheet, 3 * ((top + row) * width + left), 3 * TILE_WIDTH);
            }
            String caption = code == null ? "sound pipe" : code + " " + code.meaning();
            String fitting = caption.substring(0, Math.min(caption.length(), TILE_WIDTH / BitmapFont.ADVANCE));
            BitmapFont.draw(sheet, width, height, fitting, left, top + TILE_HEIGHT + 5, 1, 230);
        }
        try (FrameEncoder encoder = new FrameEncoder()) {
            FrameEncoder.place(file, encoder.jpeg(new Frame(width, height, sheet, new byte[0]), 0.85f));
        }
    }
}
