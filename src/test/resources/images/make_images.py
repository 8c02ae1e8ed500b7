"""Writes the images of ImageDecoderTest beside what PIL decodes from each (NAME.rgb: height, width as big-endian
int32, then RGB bytes). Run in this folder with Pillow and NumPy installed."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
rng = np.random.default_rng(20260801)


def picture(height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / 7.0 + y / 11.0 + c) for c in range(3)]
    return (np.stack(waves, -1) + rng.normal(0, 8, (height, width, 3))).clip(0, 255).astype(np.uint8)


def keep(name, data, expected=None):
    (HERE / name).write_bytes(data)
    rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) if expected is None else expected
    height, width, _ = rgb.shape
    (HERE / (name + ".rgb")).write_bytes(struct.pack(">ii", height, width) + rgb.tobytes())


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png, kind, body):
    after_header = 8 + 25
    return png[:after_header] + chunk(kind, body) + png[after_header:]


def png16(samples, colour_type):
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


colour = picture(31, 33)
image = Image.fromarray(colour)
grey = image.convert("L")
keep("rgb.png", encoded(image, "PNG"))
keep("one-pixel.png", encoded(Image.fromarray(picture(1, 1)), "PNG"))
keep("row.png", encoded(Image.fromarray(picture(1, 197)), "PNG"))
keep("column.png", encoded(Image.fromarray(picture(197, 1)), "PNG"))
keep("grey.png", encoded(grey, "PNG"))
keep("bilevel.png", encoded(grey.convert("1"), "PNG"))
keep("palette.png", encoded(image.quantize(37), "PNG"))
keep("palette-alpha.png", encoded(image.quantize(37), "PNG", transparency=3))
keep("rgba.png", encoded(Image.fromarray(np.dstack([colour, colour[..., :1]])), "PNG"))
keep("grey-alpha.png", encoded(grey.convert("LA"), "PNG"))
keep("grey-transparent.png", encoded(grey, "PNG", transparency=128))
plain = encoded(image, "PNG")
keep("gamma-linear.png", with_chunk(plain, b"gAMA", struct.pack(">I", 100000)))
keep("gamma-srgb.png", with_chunk(plain, b"gAMA", struct.pack(">I", 45455)))
deep = colour.astype(np.uint16) * 257
keep("rgb16.png", png16(deep, 2), colour)

for size in ((31, 33), (1, 1), (16, 8), (197, 3)):
    keep("colour-%dx%d.jpg" % size, encoded(Image.fromarray(picture(*size)), "JPEG", quality=85))
keep("full-chroma.jpg", encoded(image, "JPEG", quality=92, subsampling=0))
keep("half-chroma.jpg", encoded(image, "JPEG", quality=92, subsampling=1))
keep("progressive.jpg", encoded(image, "JPEG", quality=85, progressive=True))
keep("restart.jpg", encoded(image, "JPEG", quality=85, restart_marker_rows=1))
keep("grey.jpg", encoded(grey, "JPEG", quality=85))
keep("trailing.jpg", encoded(image, "JPEG", quality=85) + b"\0" * 100)
keep("cmyk.jpg", encoded(image.convert("CMYK"), "JPEG", quality=95))
