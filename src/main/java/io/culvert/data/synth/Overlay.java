package io.culvert.data.synth;

import java.util.List;

/** The camera's burnt-in text, or the boxes under which an anonymised recording hides it. */
final class Overlay {
    private Overlay() {}

    static void draw(byte[] rgb, int width, int height, List<Scene.Caption> captions) {
        for (Scene.Caption caption : captions) {
            int scale = Math.max(1, Math.round(caption.scale() * height / 288f));
            int w = caption.text().length() * BitmapFont.ADVANCE * scale;
            int h = BitmapFont.LINE * scale;
            int left = Math.round(caption.x() * Math.max(0, width - w));
            int top = Math.round(caption.y() * Math.max(0, height - h));
            int light = Math.round(255 * caption.lightness());
            if (caption.redacted()) {
                BitmapFont.fill(rgb, width, height, left - 2, top - 2, w + 4, h + 4, light);
            } else {
                BitmapFont.draw(rgb, width, height, caption.text(), left + 1, top + 1, scale, 16);
                BitmapFont.draw(rgb, width, height, caption.text(), left, top, scale, light);
            }
        }
    }
}
