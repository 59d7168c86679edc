"""The folders that the five versions of the Go server left behind, as their owners have them."""

from __future__ import annotations

import colorsys
import datetime
import functools
import io
import ipaddress
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen
from PIL import Image

FIRST = 1_728_000_000  # when the first picture was made, as its name says; October 2024
_HOUR = 3600
_COLOURS = 12  # that can be told apart after JPEG


@frozen(kw_only=True)
class Root:
    """One old installation. `colours` are those of the pictures that a frame is to be shown, each once."""

    version: str
    folder: Path
    colours: frozenset[int]
    size: tuple[int, int]  # of the frame's panel
    prompts: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def images(self) -> Path:
        return self.folder / "images"


def jpeg(colour: int, size: tuple[int, int], *, orientation: int | None = None) -> bytes:
    """A picture of one of a dozen colours above a grey floor."""
    picture = Image.new("RGB", size, "grey")
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(colour / _COLOURS, 1, 1))
    picture.paste((red, green, blue), (0, 0, size[0], size[1] // 2))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        # as a camera that was held upright stores it
        picture = picture.transpose({6: Image.Transpose.ROTATE_90}[orientation])
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def colour_of(data: bytes) -> int:
    """Which of the colours a picture that a frame got has, looked at in its upper half."""
    with Image.open(io.BytesIO(data)) as picture:
        red, green, blue = picture.convert("RGB").resize((1, 4), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]  # of an RGB picture
    return round(colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)[0] * _COLOURS) % _COLOURS


@functools.cache
def old_certificate() -> tuple[bytes, bytes]:
    """cert.pem and key.pem as the old server's script made them: RSA-4096, the address as the only other name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "192.168.1.5")])
    begin = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=3650))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.168.1.5"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem


def write_1_1(folder: Path) -> Root:
    """The first version: flat options, prompts.json, pictures at the frame's size right in the folder."""
    images = _begin(folder, _OPTIONS_1_1)
    (folder / "data" / "prompts.json").write_text(_PROMPTS_JSON, encoding="utf-8")
    _keys(folder)
    for number in range(6):
        _put(images / f"f{FIRST + number * _HOUR}.jpeg", jpeg(number, (320, 480)))
    return Root(version="1.1", folder=folder, colours=frozenset(range(6)), size=(320, 480), prompts=3)


def write_1_02(folder: Path) -> Root:
    """Prompts with placeholders in YAML, a section for the panel, sleep windows, settings of providers."""
    images = _begin(folder, _OPTIONS_1_02)
    (folder / "data" / "prompts.yaml").write_text(_PROMPTS_YAML, encoding="utf-8")
    _keys(folder)
    for number in range(5):
        _put(images / f"f{FIRST + number * _HOUR}.jpeg", jpeg(number, (320, 480)))
    return Root(version="1.02", folder=folder, colours=frozenset(range(5)), size=(320, 480), prompts=4)


def write_1_03(folder: Path) -> Root:
    """HTTPS only, with a certificate of one's own."""
    root = write_1_02(folder)
    _certificates(folder)
    return Root(version="1.03", folder=folder, colours=root.colours, size=root.size, prompts=root.prompts)


def write_1_04(folder: Path) -> Root:
    """Each picture twice, some that lost their original, and photos of the owner's."""
    images = _begin(folder, _OPTIONS_1_04)
    (folder / "data" / "prompts.yaml").write_text(_PROMPTS_YAML, encoding="utf-8")
    _keys(folder)
    _certificates(folder)
    for number in range(4):
        _put(images / "original" / f"f{FIRST + number * _HOUR}-orig.jpeg", jpeg(number, (512, 512)))
        # of another colour, to be told apart: it must never be seen
        _put(images / "scalable" / f"f{FIRST + number * _HOUR}.jpeg", jpeg(number + 8, (240, 320)))
    for number in (4, 5):
        _put(images / "scalable" / f"f{FIRST + number * _HOUR}.jpeg", jpeg(number, (240, 320)))
    _photos(folder)
    return Root(version="1.04", folder=folder, colours=frozenset(range(8)), size=(240, 320), prompts=4)


def write_1_05(folder: Path) -> Root:
    """Originals only, and a threshold for proportions; YandexART switched off."""
    images = _begin(folder, _OPTIONS_1_05)
    (folder / "data" / "prompts.yaml").write_text(_PROMPTS_YAML, encoding="utf-8")
    _keys(folder)
    _certificates(folder)
    for number in range(5):
        _put(images / "original" / f"f{FIRST + number * _HOUR}-orig.jpeg", jpeg(number, (512, 512)))
    _photos(folder)
    return Root(version="1.05", folder=folder, colours=frozenset([0, 1, 2, 3, 4, 6, 7]), size=(320, 480), prompts=4)


ROOTS: Mapping[str, Callable[[Path], Root]] = {
    "1.1": write_1_1,
    "1.02": write_1_02,
    "1.03": write_1_03,
    "1.04": write_1_04,
    "1.05": write_1_05,
}


def _begin(folder: Path, options: str) -> Path:
    for name in ("data", "images", "log"):
        (folder / name).mkdir(parents=True)
    # Inside its container the old server saw /images and /photos; outside of one they are where they are.
    text = options.replace('"/images"', f'"{folder}/images"').replace('"/photos"', f'"{folder}/photos"')
    (folder / "data" / "options.yml").write_text(text, encoding="utf-8")
    (folder / "log" / "app.log").write_text("time=2025-03-01T10:00:00.000+03:00 level=INFO msg=started\n")
    return folder / "images"


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    # Copied from the old disk without `cp -p`: all files are of one moment, and only names tell their age.
    os.utime(path, (FIRST + 10**7, FIRST + 10**7))


def _keys(folder: Path) -> None:
    (folder / "data" / "ydart-options.json").write_text('{"folder_id": "b1gfolder", "api_key": "AQVNkey"}\n')


def _photos(folder: Path) -> None:
    _put(folder / "photos" / "Море.JPG", jpeg(6, (400, 600)))
    _put(folder / "photos" / "Дача" / "IMG_0001.jpg", jpeg(7, (400, 600), orientation=6))


def _certificates(folder: Path) -> None:
    (folder / "certs").mkdir()
    certificate, key = old_certificate()
    (folder / "certs" / "cert.pem").write_bytes(certificate)
    (folder / "certs" / "key.pem").write_bytes(key)


_OPTIONS_1_1 = """\
log_level: "DEBUG"
image_path: "/images"
image_amount_min: 500
image_amount_max: 600
image_generate_threshold: 2    # минут
image_weight: 320
image_height: 480
check_pending_cron: "* * * * *"
scan_image_cron: "0 0 * * *"
"""

_OPTIONS_1_02 = """\
# Настройки сервера картинок
log_level: "INFO"
image_path: "/images"
image_amount_min: 500
image_amount_max: 600
image_generate_threshold: 2
iframe_image_parameters:
  image_weight: 320
  image_height: 480
check_pending_cron: "* * * * *"
scan_image_cron: "0 0 * * *"
prompts_amount: 20
sleep_time:
  - time_range:
      start_time: "12:00"
      end_time: "13:00"
    black_image_mode: false
  - time_range:
     start_time: "00:00"   # ночью рамка тёмная
     end_time: "08:00"
    black_image_mode: true
providers:
  ydArt:
    image_generate_threshold: 10
    sleep_time:
      - time_range:
          start_time: "12:00"
          end_time: "13:00"
"""

_OPTIONS_1_04 = """\
log_level: "WARNING"
image_path: "/images"
image_amount_min: 100
image_amount_max: 200
original_image_amount_min: 300   # оригиналы жалко
original_image_amount_max: 400
image_generate_threshold: 5
iframe_image_parameters:
  image_weight: 240
  image_height: 320
sleep_time:
disabled_providers: []
providers:
  ydArt:
    image_generate_threshold: 30
  lim:
    image_generate_threshold: 0
    local_image_folder: "/photos"
"""

_OPTIONS_1_05 = """\
log_level: "INFO"
image_path: "/images"
image_generate_threshold: 5
iframe_image_parameters:
  image_weight: 320
  image_height: 480
  fit_threshold: 0
prompts_amount: 15
disabled_providers: ["ydArt"]
providers:
  ydArt:
    image_generate_threshold: 30
  lim:
    image_generate_threshold: 1
    local_image_folder: "/photos"
"""

_PROMPTS_JSON = """\
{
  "prompts": [
    {"idx": 1, "prompt": "test"},
    {"idx": 2, "prompt": "рыжий кот на подоконнике, за окном снег", "negative": "люди, надписи"},
    {"idx": 3, "prompt": "маяк в шторм, масло"}
  ]
}
"""

_PROMPTS_YAML = """\
# что рисовать
prompts:
    - idx: 1
      prompt: '[[color]] робот с крупными [[color]] глазами, в руках [[thing]]'
      negative: "люди, текст"
      placeholders:
        thing:
        - фонарь
        - зонт
    - idx: 2
      prompt: кукушка
    - idx: 3   # любимый
      prompt: "деревня зимой, [[style]]"
    - idx: 4
      prompt: старый трамвай под дождём
global_placeholders:
    thing:
      - камень
    color:
      - золотой
      - чёрный
    style:
      - акварель
      - гравюра
"""
