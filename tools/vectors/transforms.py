"""Vectors of kind `transform`: torchvision v2's functional transforms on float tensors, antialias on."""

import math

import torch

from culvert_vectors import generator, import_torchvision, save_case, uniform

import_torchvision()
from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms.v2 import functional as TF  # noqa: E402

MODES = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
SEWER_MEAN, SEWER_STD = [0.523, 0.453, 0.345], [0.210, 0.199, 0.154]
JITTERS = [
    (1.2, 0.7, 1.4, 0.08, ["brightness", "contrast", "saturation", "hue"]),
    (0.725, 1.275, 0.725, -0.1375, ["hue", "saturation", "contrast", "brightness"]),
    (1.8, 1.8, 0.2, 0.5, ["contrast", "hue", "brightness", "saturation"]),
    (0.2, 0.3, 1.8, -0.2, ["saturation", "brightness", "hue", "contrast"]),
    (1.0, 1.0, 0.0, 0.0, ["brightness", "contrast", "saturation", "hue"]),
]
# height, width, out height, out width, antialias
RESIZES = [(97, 131, 64, 64, True), (31, 33, 64, 47, True), (57, 40, 19, 7, True), (48, 64, 48, 64, True),
           (40, 52, 17, 23, False), (5, 3, 1, 1, True)]
# height, width, top, left, crop height, crop width, out height, out width
CROPS = [(97, 131, 11, 23, 57, 71, 64, 64), (48, 64, 0, 0, 48, 64, 32, 32), (33, 31, 30, 28, 3, 3, 16, 16),
         (40, 50, 39, 0, 1, 50, 8, 24), (60, 45, 7, 5, 33, 17, 33, 17)]
BLURS = [(3, 0.5), (5, 1.1), (7, 2.0), (23, 2.0), (9, 0.1)]


def image(gen, h, w):
    """A picture with shade, edges, noise and saturated spots, so that clamps and interpolation both matter."""
    y, x = torch.meshgrid(torch.arange(h) / max(h - 1, 1), torch.arange(w) / max(w - 1, 1), indexing="ij")
    planes = [0.5 + 0.4 * torch.sin(math.tau * (f * x + g * y)) for f, g in ((1, 0.5), (0.3, 1.2), (2, 1))]
    picture = torch.stack(planes, -1) + uniform(gen, h, w, 3, low=-0.12, high=0.12)
    picture[(x - 0.7) ** 2 + (y - 0.3) ** 2 < 0.03] = torch.tensor([1.0, 0.98, 0.9])
    picture[(x + y < 0.25)] = 0.02
    picture[(y > 0.8)] = picture[(y > 0.8)].mean(-1, keepdim=True)  # grey: hue is undefined there
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)


def _case(folder, suffix, name, params, h, w, transform, small):
    if small and h * w > 64 * 64:
        return
    case = f"tf_{suffix}"
    gen = generator(case)
    pixels = image(gen, h, w)
    y = transform(pixels.permute(2, 0, 1).double() / 255)
    save_case(folder / f"{case}.safetensors", "transform", name, params, {"in/image": pixels, "out/y": y.float()})


def _jitter(x, factors, order):
    for step in order:
        x = getattr(TF, f"adjust_{step}")(x, factors[step])
    return x


def write(folder, small):
    for mode, interpolation in MODES.items():
        for i, (h, w, oh, ow, antialias) in enumerate(RESIZES):
            _case(folder, f"resize_{mode}_{i}", "resize",
                  dict(height=oh, width=ow, interpolation=mode, antialias=antialias), h, w,
                  lambda x: TF.resize(x, [oh, ow], interpolation, antialias=antialias), small)
        for i, (h, w, top, left, ch, cw, oh, ow) in enumerate(CROPS):
            _case(folder, f"crop_{mode}_{i}", "crop_resize",
                  dict(top=top, left=left, height=ch, width=cw, out_height=oh, out_width=ow, interpolation=mode), h, w,
                  lambda x: TF.resized_crop(x, top, left, ch, cw, [oh, ow], interpolation, antialias=True), small)
    for h, w in ((23, 31), (97, 131)):
        size = f"{h}x{w}"
        for i, (brightness, contrast, saturation, hue, order) in enumerate(JITTERS):
            factors = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
            _case(folder, f"jitter_{i}_{size}", "color_jitter", factors | {"order": order}, h, w,
                  lambda x: _jitter(x, factors, order), small)
        for kernel, sigma in BLURS:
            if 2 * min(h, w) > kernel:
                _case(folder, f"blur_{kernel}_{sigma}_{size}", "gaussian_blur", dict(kernel=kernel, sigma=sigma), h, w,
                      lambda x: TF.gaussian_blur(x, [kernel, kernel], [sigma, sigma]), small)
        for threshold in (0.0, 0.5, 0.87, 1.0):
            _case(folder, f"solarize_{threshold}_{size}", "solarize", dict(threshold=threshold), h, w,
                  lambda x: TF.solarize(x, threshold), small)
        _case(folder, f"grayscale_{size}", "grayscale", {}, h, w,
              lambda x: TF.rgb_to_grayscale(x, num_output_channels=3), small)
        _case(folder, f"flip_{size}", "horizontal_flip", {}, h, w, TF.horizontal_flip, small)
        _case(folder, f"normalize_{size}", "normalize", dict(mean=SEWER_MEAN, std=SEWER_STD), h, w,
              lambda x: TF.normalize(x, SEWER_MEAN, SEWER_STD), small)
