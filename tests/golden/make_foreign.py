"""Pictures with recipes as AUTOMATIC1111's web UI writes them, by Pillow: what `core::picture::foreign` must read.

    python make_foreign.py      # needs Pillow alone; writes foreign/

The text is put where `modules/images.py` of the web UI puts it: the chunk `parameters` of a PNG; in a JPEG or WebP the EXIF tag
UserComment, in UTF-16 with the byte order that piexif always takes.
"""

import pathlib

from PIL import ExifTags, Image, PngImagePlugin

HERE = pathlib.Path(__file__).parent / "foreign"
TEXT = """(a dog:1.2) on grass, <lora:oil:0.7> ☀
Negative prompt: [blurry], low quality
Steps: 2, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 3.5, Seed: 12345, Size: 64x64, Model hash: 6ce0161689, \
Model: v1-5-pruned, Clip skip: 2, Lora hashes: "oil: 00112233", RNG: CPU, Version: v1.10.1"""


def main():
    HERE.mkdir(exist_ok=True)
    picture = Image.new("RGB", (8, 8), (200, 100, 50))
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", TEXT)
    picture.save(HERE / "a1111.png", pnginfo=chunks)
    exif = Image.Exif()
    comment = b"UNICODE\0" + TEXT.encode("utf-16-be")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    picture.save(HERE / "a1111.jpg", exif=exif)
    picture.save(HERE / "a1111.webp", exif=exif, lossless=True)
    # A tool that draws by nodes has its own chunks, and no text of this kind.
    nodes = PngImagePlugin.PngInfo()
    nodes.add_text("prompt", '{"3": {"class_type": "KSampler"}}')
    nodes.add_text("workflow", '{"nodes": []}')
    picture.save(HERE / "nodes.png", pnginfo=nodes)


if __name__ == "__main__":
    main()
