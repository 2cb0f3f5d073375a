"""Pillow's arm of decoders.ts: python3 decoders.py FOLDER OUT. Prints images a second; writes all results, [count, 224, 224, 3] of u8, to OUT."""

import glob
import io
import os
import sys
import time

from PIL import Image


def prepared(content):
    """Decode, shorter side to 256, middle 224, by torchvision's rules."""
    image = Image.open(io.BytesIO(content)).convert('RGB')
    width, height = image.size
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    image = image.resize(size, Image.BILINEAR)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    return image.crop((left, top, left + 224, top + 224)).tobytes()


paths = sorted(glob.glob(os.path.join(sys.argv[1], '*')))
files = [open(path, 'rb').read() for path in paths]
with open(sys.argv[2], 'wb') as out:
    for content in files:
        out.write(prepared(content))


def rate(each):
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        for content in files:
            each(content)
        best = max(best, len(files) / (time.perf_counter() - began))
    return best


print(rate(lambda content: Image.open(io.BytesIO(content)).convert('RGB').tobytes()), rate(prepared))
