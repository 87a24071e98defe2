"""The map of the world: shapes of countries by their ISO code, as paths of an SVG.

The source is Natural Earth's 1:110m countries (public domain), as the package world-atlas has them:
TopoJSON, whose arcs are shared by neighbours and given as differences of whole numbers.
"""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

WIDTH = 1000
"""Of the map, in the units of its paths."""
HALF = 180
WESTERNMOST, EASTERNMOST = -170.0, 191.0
"""Degrees, at the equator: the east of Russia lies beyond 180."""
NORTHERNMOST, SOUTHERNMOST = 84.0, -56.0
"""Degrees: what lies below has no visitors."""

NUMERIC = """
    004AF 008AL 010AQ 012DZ 024AO 031AZ 032AR 036AU 040AT 044BS 050BD 051AM 056BE 064BT
    068BO 070BA 072BW 076BR 084BZ 090SB 096BN 100BG 104MM 108BI 112BY 116KH 120CM 124CA
    140CF 144LK 148TD 152CL 156CN 158TW 170CO 178CG 180CD 188CR 191HR 192CU 196CY 203CZ
    204BJ 208DK 214DO 218EC 222SV 226GQ 231ET 232ER 233EE 238FK 242FJ 246FI 250FR 260TF
    262DJ 266GA 268GE 270GM 275PS 276DE 288GH 300GR 304GL 320GT 324GN 328GY 332HT 340HN
    348HU 352IS 356IN 360ID 364IR 368IQ 372IE 376IL 380IT 384CI 388JM 392JP 398KZ 400JO
    404KE 408KP 410KR 414KW 417KG 418LA 422LB 426LS 428LV 430LR 434LY 440LT 442LU 450MG
    454MW 458MY 466ML 478MR 484MX 496MN 498MD 499ME 504MA 508MZ 512OM 516NA 524NP 528NL
    540NC 548VU 554NZ 558NI 562NE 566NG 578NO 586PK 591PA 598PG 600PY 604PE 608PH 616PL
    620PT 624GW 626TL 630PR 634QA 642RO 643RU 646RW 682SA 686SN 688RS 694SL 703SK 704VN
    705SI 706SO 710ZA 716ZW 724ES 728SS 729SD 732EH 740SR 748SZ 752SE 756CH 760SY 762TJ
    764TH 768TG 780TT 784AE 788TN 792TR 795TM 800UG 804UA 807MK 818EG 826GB 834TZ 840US
    854BF 858UY 860UZ 862VE 887YE 894ZM
"""
"""ISO 3166-1: the number of a country, as the source has it, and its two letters."""

CODES = {pair[:3]: pair[3:] for pair in NUMERIC.split()}
UNNUMBERED = {"Kosovo": "XK", "Somaliland": "SO", "N. Cyprus": "CY"}
"""Which ISO gives no number, as place databases call them."""

Point = tuple[float, float]


def world(source: bytes) -> bytes:
    """Return the map as JSON: `viewBox`, and of each country the path.

    Args:
        source: TopoJSON.
    """
    topology = json.loads(source)
    arcs = [_points(arc, topology["transform"]) for arc in topology["arcs"]]
    paths: dict[str, str] = {}
    for shape in topology["objects"]["countries"]["geometries"]:
        code = CODES.get(shape.get("id", "")) or UNNUMBERED.get(shape["properties"]["name"])
        path = "".join(_path(ring) for ring in _rings(shape, arcs))
        if code and path:
            paths[code] = paths.get(code, "") + path
    left, right = (round(_project((degrees, 0))[0]) for degrees in (WESTERNMOST, EASTERNMOST))
    top, bottom = (round(_project((0, degrees))[1]) for degrees in (NORTHERNMOST, SOUTHERNMOST))
    made = {
        "viewBox": f"{left} {top} {right - left} {bottom - top}",
        "countries": dict(sorted(paths.items())),
    }
    return json.dumps(made, separators=(",", ":")).encode() + b"\n"


def _points(arc: Sequence[Sequence[int]], transform: dict[str, list[float]]) -> list[Point]:
    """Return the degrees of an arc, whose points are given as differences."""
    (wide, high), (west, south) = transform["scale"], transform["translate"]
    longitudes = accumulate(point[0] for point in arc)
    latitudes = accumulate(point[1] for point in arc)
    return [(x * wide + west, y * high + south) for x, y in zip(longitudes, latitudes, strict=True)]


def _rings(shape: dict[str, Any], arcs: Sequence[list[Point]]) -> Iterator[list[Point]]:
    """Yield the outlines of a country that are on the map."""
    polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    for ring in (ring for polygon in polygons for ring in polygon):
        # An arc that is walked backwards is given as the complement of its number.
        walked = [arcs[one] if one >= 0 else arcs[~one][::-1] for one in ring]
        points = [point for part in walked for point in part]
        if max(latitude for _, latitude in points) > SOUTHERNMOST:
            yield _unwrapped(points)


def _unwrapped(points: Sequence[Point]) -> list[Point]:
    """Return an outline that goes on beyond 180 degrees, where the source begins again at -180."""
    unwrapped: list[Point] = []
    for longitude, latitude in points:
        before = unwrapped[-1][0] if unwrapped else longitude
        unwrapped.append((longitude + 360 * round((before - longitude) / 360), latitude))
    turn = 360 if min(longitude for longitude, _ in unwrapped) < -HALF else 0
    return [(longitude + turn, latitude) for longitude, latitude in unwrapped]


def _path(ring: Sequence[Point]) -> str:
    """Return an outline as whole units; nothing where no area is left."""
    rounded = [(round(x), round(y)) for x, y in map(_project, ring)]
    points = [rounded[0]]
    points += [here for before, here in pairwise(rounded) if here != before]
    if len(set(points)) < 3:  # noqa: PLR2004 - a line has no area
        return ""
    outline = pairwise(points[:-1])  # the last point is the first
    steps = (f"{right[0] - left[0]} {right[1] - left[1]}" for left, right in outline)
    return f"M{points[0][0]} {points[0][1]}l{' '.join(steps)}z".replace(" -", "-")


def _project(point: Point) -> Point:
    """Return the place on the map, by the Natural Earth projection (T. Patterson, B. Savric)."""
    longitude, latitude = (math.radians(degrees) for degrees in point)
    square = latitude * latitude
    fourth = square * square
    across = (
        0.8707
        - 0.131979 * square
        + fourth * (-0.013791 + fourth * (0.003971 * square - 0.001529 * fourth))
    )
    up = latitude * (
        1.007226
        + square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth))
    )
    scale = WIDTH / (2 * math.pi * 0.8707)
    return WIDTH / 2 + longitude * across * scale, WIDTH / 4 - up * scale
