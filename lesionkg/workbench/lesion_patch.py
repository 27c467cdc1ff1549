"""The image of a lesion with its controls, and the small pictures of other lesions."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element

from lesionkg.workbench.frame import place
from queries.lesion_facts import Geometry
from queries.lesion_images import LesionPatch, lesion_patch

Position = tuple[float, float, float]


class PatchViewer(Element, component="lesion_patch.js"):
    """Three slices with window, zoom and scrolling; without pixels, box and diameters on the extent of the slice.

    Args:
        lesion: id.
        geometry: of the lesion.
        patch: its pixels' geometry; None without an image. The pixels themselves the browser fetches from the API.
    """

    def __init__(self, lesion: str, geometry: Geometry, patch: LesionPatch | None) -> None:
        super().__init__()
        own = self._props
        own["label"] = f"CT of lesion {lesion}"
        own["key-slice"] = geometry.key_slice
        own["window"] = list(geometry.window) if geometry.window else None
        if patch is None:
            own["extent"] = list(geometry.image_size or (512, 512))
            own["spacing"] = geometry.spacing_mm
            own["box"], own["ends"] = _list(geometry.box), _list(geometry.diameters)
            return
        own["url"] = image_url(lesion, "patch")
        own["size"], own["spacing"], own["gap"] = patch.size, patch.spacing_mm, patch.neighbour_mm
        own["box"], own["ends"] = _list(patch.box), _list(patch.diameters)


def find_image(lesion: str) -> LesionPatch:
    """The image of a lesion in the served data folder.

    Raises:
        NotFoundError: there is none at hand.
        InputError: it cannot be read.
    """
    return lesion_patch(place().store, place().settings.home, lesion)


def image_url(lesion: str, image: str) -> str:
    """Where the API serves an image of a lesion: its ``patch`` or ``thumbnail``."""
    return f"/api/lesions/{quote(lesion, safe=':')}/{image}"


def picture(lesion: str, has_image: bool, position: Position | None, long_mm: float | None, side: int = 72) -> None:
    """A small picture of a lesion: of its CT, else where in the body it is, as seen from the front."""
    if has_image:
        with ui.element("img") as image:
            image.props(f'src="{image_url(lesion, "thumbnail")}" alt="" loading=lazy width={side} height={side}')
        image.classes("lk-ls-thumb")
        return
    with _svg("0 0 72 72").classes("lk-ls-thumb lk-ls-body") as drawing:
        drawing.props(f'role=img aria-label="{_where(position)}" width={side} height={side}')
        _shape(
            "path",
            d="M27 5 h18 q4 0 5 4 l1 8 q10 2 11 10 v36 q0 5 -5 5 h-42 q-5 0 -5 -5 v-36 q1 -8 11 -10 l1 -8 q1 -4 5 -4 z",
        )
        if position is not None:
            x, _, z = (min(max(value, 0.0), 1.0) for value in position)
            radius = min(9.0, max(2.5, (long_mm or 10) / 8))
            _shape("circle", cx=f"{12 + 48 * x:.1f}", cy=f"{8 + 58 * z:.1f}", r=f"{radius:.1f}")


def _where(position: Position | None) -> str:
    if position is None:
        return "position in the body unknown"
    x, _, z = position
    return f"in the body: {x:.0%} from the right, {z:.0%} from the head"


def _svg(box: str) -> Element:
    drawing = ui.element("svg")
    drawing._props["viewBox"] = box
    return drawing


def _shape(tag: str, **values: str) -> None:
    ui.element(tag)._props.update(values)


def _list(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else list(values)
