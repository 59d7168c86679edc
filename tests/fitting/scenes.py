"""Pictures drawn by code, each with a box around what must not be cut off. For the tests and the bench."""

from __future__ import annotations

from functools import cache

from attrs import frozen
from PIL import Image, ImageDraw

from fitting.grounds import Ground, bands, bricks, dots, fade, grain, plain
from fitting.subjects import (
    Box,
    Subject,
    ball,
    bird,
    boat,
    car,
    cat,
    cup,
    flower,
    head,
    house,
    pair,
    person,
    sign,
    tower,
)

PANEL = 320, 480  # a frame that stands
LYING = 480, 320


@frozen
class Scene:
    """A picture and the box of its subject in pixels."""

    name: str
    picture: Image.Image
    box: Box


PALE, TANNED, BROWN, DARK = (241, 208, 186), (205, 150, 115), (150, 98, 70), (92, 58, 42)
BLACK, AUBURN, STRAW, WHITE = (22, 18, 16), (90, 60, 30), (205, 175, 100), (240, 240, 236)
RED, BLUE, GREEN, GREY, GOLD = (190, 40, 45), (50, 75, 140), (60, 105, 75), (70, 75, 85), (180, 150, 60)

LIGHT_WALL = plain((180, 190, 195))
UNEVEN_WALL = fade((90, 100, 110), (170, 175, 180), sideways=True)
PLASTER = grain(plain((225, 222, 215)), 6)
GREY_PLASTER = grain(plain((110, 130, 140)), 8)
CONCRETE = grain(fade((120, 130, 120), (90, 95, 100)), 18, 2)
BRICKS = bricks((150, 80, 65), (190, 180, 170))
WOOD = grain(fade((150, 110, 75), (130, 92, 60)), 10, 3)
DARK_WOOD = grain(plain((70, 45, 32)), 8, 3)
CARPET = grain(plain((165, 90, 70)), 14, 4)
LINEN = fade((235, 233, 230), (205, 203, 200))
SKY, DUSK = fade((90, 150, 220), (200, 220, 240)), fade((30, 30, 80), (240, 140, 80))
SEA = bands((150, 190, 225), (40, 90, 130), (30, 75, 115))
CHOPPY = grain(SEA, 7, 2)
BEACH = bands((170, 200, 230), (60, 120, 150), (215, 195, 155))
MEADOW = bands((140, 180, 230), (90, 120, 90), (80, 140, 60), (70, 125, 50))
SNOW = bands((190, 200, 215), (235, 238, 245), (225, 230, 240))
STREET = bands((190, 195, 200), (150, 140, 130), (85, 85, 88))
TABLE = bands((200, 190, 175), (150, 100, 60))
FOLIAGE = dots(plain((40, 90, 40)), [(50, 110, 45), (30, 80, 35), (70, 125, 55), (25, 65, 30)], (6, 20), 900)
GRASS = dots(plain((70, 120, 50)), [(80, 135, 60), (60, 105, 45)], (3, 30), 800)
PEBBLES = dots(plain((130, 125, 120)), [(150, 145, 140), (110, 105, 100), (170, 165, 155)], (8, 22), 700)
LIGHTS = dots(plain((20, 18, 30)), [(120, 90, 40), (80, 60, 90), (60, 80, 110)], (12, 30), 60, blur=6)
NIGHT = grain(plain((10, 12, 25)), 3)
STARS = dots(plain((8, 10, 22)), [(160, 160, 170), (90, 90, 110)], (0.5, 1.5), 200)

TWO_HEADS = pair(head(PALE, AUBURN, RED), head(BROWN, BLACK, GREEN), 1.5)
TWO_FRIENDS = pair(head(TANNED, BLACK, WHITE), head(PALE, STRAW, RED), 1.5)
TWO_PEOPLE = pair(person(PALE, BLUE, GREY), person(DARK, GOLD, BLACK), 1.6)
MOON, SMALL_MOON = ball((225, 222, 205), (205, 200, 185)), ball((235, 230, 210), (215, 210, 190))

WIDE, FILM, OLD, SQUARE = (900, 600), (960, 540), (800, 600), (800, 800)

# Name, size, ground, subject, its middle (0 to 1 from left and top), its size in pixels.
_Row = tuple[str, tuple[int, int], Ground, Subject, float, float, float]
_LYING: list[_Row] = [
    ("pale head, wall", WIDE, LIGHT_WALL, head(PALE, AUBURN, BLUE), 0.78, 0.42, 150),
    ("tanned head, fading wall", WIDE, UNEVEN_WALL, head(TANNED, BLACK, RED), 0.22, 0.45, 150),
    ("brown head, leaves", WIDE, FOLIAGE, head(BROWN, BLACK, WHITE), 0.75, 0.4, 140),
    ("dark head, lights", WIDE, LIGHTS, head(DARK, BLACK, GOLD), 0.25, 0.45, 160),
    ("dark head, plaster", WIDE, PLASTER, head(DARK, BLACK, GREEN), 0.8, 0.45, 140),
    ("pale head, small, meadow", WIDE, MEADOW, head(PALE, STRAW, RED), 0.2, 0.6, 80),
    ("pale head, wooden wall", WIDE, WOOD, head(PALE, AUBURN, BLUE), 0.76, 0.42, 140),
    ("tanned head, square", SQUARE, SKY, head(TANNED, BLACK, WHITE), 0.72, 0.4, 180),
    ("two heads, plaster", WIDE, GREY_PLASTER, TWO_HEADS, 0.68, 0.42, 110),
    ("two heads, leaves", WIDE, FOLIAGE, TWO_FRIENDS, 0.27, 0.5, 110),
    ("in red on the meadow", WIDE, MEADOW, person(TANNED, RED, BLUE), 0.83, 0.6, 90),
    ("in grey on pebbles", WIDE, PEBBLES, person(PALE, GREY, GREY), 0.2, 0.5, 110),
    ("far away on the beach", FILM, BEACH, person(BROWN, WHITE, BLUE), 0.85, 0.7, 50),
    ("two people", FILM, fade((120, 125, 130), (180, 180, 175)), TWO_PEOPLE, 0.72, 0.55, 110),
    ("black cat, carpet", WIDE, CARPET, cat((28, 26, 28)), 0.75, 0.5, 150),
    ("white cat, grass", WIDE, GRASS, cat(WHITE), 0.2, 0.55, 130),
    ("ginger cat, bricks", WIDE, BRICKS, cat((225, 150, 70)), 0.8, 0.5, 130),
    ("grey cat, dusk", OLD, DUSK, cat((60, 60, 66)), 0.3, 0.65, 120),
    ("bird in the sky", WIDE, SKY, bird((50, 45, 45)), 0.8, 0.25, 90),
    ("bird in the dusk", FILM, DUSK, bird((15, 12, 15)), 0.15, 0.3, 70),
    ("white bird over the sea", FILM, SEA, bird(WHITE), 0.2, 0.6, 80),
    ("boat on the sea", WIDE, SEA, boat((120, 50, 40), WHITE), 0.78, 0.5, 100),
    ("small boat, choppy sea", FILM, CHOPPY, boat(WHITE, (220, 90, 60)), 0.12, 0.5, 55),
    ("red flower in leaves", WIDE, FOLIAGE, flower((205, 30, 45), (240, 200, 60)), 0.22, 0.45, 100),
    ("white flower, corner", SQUARE, FOLIAGE, flower(WHITE, (235, 190, 40)), 0.75, 0.75, 120),
    ("violet flower, pebbles", WIDE, PEBBLES, flower((130, 70, 170), (240, 220, 120)), 0.82, 0.6, 80),
    ("house on the meadow", WIDE, MEADOW, house((225, 205, 170), (150, 60, 45)), 0.78, 0.55, 130),
    ("house in the snow", FILM, SNOW, house((120, 70, 50), WHITE), 0.2, 0.55, 110),
    ("lighthouse at the edge", WIDE, SEA, tower(WHITE, RED), 0.9, 0.5, 110),
    ("lighthouse in the dusk", OLD, DUSK, tower((200, 200, 200), GREY), 0.15, 0.55, 120),
    ("moon in the night", WIDE, NIGHT, MOON, 0.83, 0.22, 50),
    ("small moon, stars", FILM, STARS, SMALL_MOON, 0.18, 0.3, 35),
    ("apple on a table", OLD, TABLE, ball(RED, (235, 150, 140)), 0.75, 0.5, 90),
    ("balloon over the hills", WIDE, MEADOW, ball((235, 130, 30), (250, 210, 120)), 0.25, 0.28, 80),
    ("sign in the meadow", WIDE, MEADOW, sign((235, 225, 190), BLACK, "POND"), 0.76, 0.45, 105),
    ("sign on concrete", OLD, CONCRETE, sign(BLUE, WHITE, "EXIT"), 0.28, 0.4, 110),
    ("blue car, street", FILM, STREET, car(BLUE), 0.76, 0.66, 150),
    ("white car, bricks", WIDE, BRICKS, car(WHITE), 0.25, 0.7, 150),
    ("coffee, dark table", OLD, DARK_WOOD, cup(WHITE, (60, 32, 18)), 0.72, 0.6, 140),
    ("coffee, linen", WIDE, LINEN, cup((160, 185, 200), (60, 32, 18)), 0.24, 0.5, 120),
    ("a head in the middle", WIDE, MEADOW, head(BROWN, BLACK, GOLD), 0.5, 0.45, 150),
    ("a flower in the middle", SQUARE, FOLIAGE, flower((250, 210, 70), AUBURN), 0.5, 0.5, 150),
]
_STANDING: list[_Row] = [  # for a panel that lies
    ("pale head, high", (600, 900), MEADOW, head(PALE, AUBURN, BLUE), 0.5, 0.2, 160),
    ("dark head, plaster, high", (600, 900), PLASTER, head(DARK, BLACK, RED), 0.4, 0.25, 180),
    ("brown head, square", SQUARE, FOLIAGE, head(BROWN, BLACK, WHITE), 0.6, 0.25, 180),
    ("balloon, high", (600, 800), MEADOW, ball((235, 130, 30), (250, 210, 120)), 0.3, 0.18, 90),
    ("flower, low", (600, 900), FOLIAGE, flower((205, 30, 45), (240, 200, 60)), 0.5, 0.8, 110),
    ("boat, low", (600, 800), fade((150, 190, 225), (30, 75, 115)), boat(RED, WHITE), 0.6, 0.75, 100),
    ("cat, low", (600, 900), CARPET, cat((28, 26, 28)), 0.45, 0.78, 120),
    ("bird, high", (600, 900), DUSK, bird((15, 12, 15)), 0.6, 0.12, 90),
]


@cache
def scenes() -> tuple[Scene, ...]:
    """Pictures that are too wide for PANEL, the same ones each time."""
    return tuple(_drawn(row) for row in _LYING)


@cache
def standing_scenes() -> tuple[Scene, ...]:
    """Pictures that are too high for LYING."""
    return tuple(_drawn(row) for row in _STANDING)


def _drawn(row: _Row) -> Scene:
    name, size, ground, subject, x, y, large = row
    picture = ground(*size)
    box = subject(ImageDraw.Draw(picture), x * size[0], y * size[1], large)
    return Scene(name, picture, (max(0, box[0]), max(0, box[1]), min(size[0], box[2]), min(size[1], box[3])))


def share_kept(box: Box, window: Box) -> float:
    """How much of the box lies in the window, 0 to 1."""
    width = max(0.0, min(box[2], window[2]) - max(box[0], window[0]))
    height = max(0.0, min(box[3], window[3]) - max(box[1], window[1]))
    return width * height / ((box[2] - box[0]) * (box[3] - box[1]))
