"""Connected pieces of ink: decides which are the digit, a frame, a sheet of paper, or dust."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

# A piece along this much of the picture's edge is a frame, or the table under the paper.
FRAME_SHARE, ALL_FRAME_SHARE = 0.2, 0.5
# A digit is at least this high, as a share of the picture's shorter side, for ink at the edge to be
# ignored beside it.
DIGIT_SHARE = 0.08
# Pieces of one digit are at most this far apart, relative to its size, and are not specks.
PIECE_GAP, SPECK_SHARE = 0.25, 0.02
# A sheet on a table covers at least this share of the picture and this many pixels in each
# direction. It is filled and rectangular: this share of its outline's area has its colour, and it
# fills this share of the smallest rectangle around it at any angle (an ellipse fills 0.79).
SHEET_SHARE, SHEET_SIDE, SHEET_FILLED, SHEET_RECTANGLE = 0.1, 60, 0.8, 0.88


@dataclass(frozen=True)
class Piece:
    """A connected piece of ink: its label, and its bounding box."""

    label: int
    rows: slice
    columns: slice
    pixels: int
    edge_share: float  # of the picture's edge

    @property
    def size(self) -> int:
        """Its longer side."""
        return max(self.height, self.width)

    @property
    def height(self) -> int:
        return self.rows.stop - self.rows.start

    @property
    def width(self) -> int:
        return self.columns.stop - self.columns.start


def pieces_of(ink: Mask, sure: Mask | None = None) -> tuple[np.ndarray, list[Piece]]:
    """The connected pieces of ink by label from 1, largest first; pieces without `sure` are
    ignored.
    """
    from scipy import ndimage

    labels, count = ndimage.label(ink, np.ones((3, 3)))
    pixels = np.bincount(labels.ravel(), minlength=count + 1)
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    on_edge = np.bincount(edge, minlength=count + 1) / edge.size
    kept = set(range(count + 1) if sure is None else np.unique(labels[sure]).tolist())
    boxes = ndimage.find_objects(labels)
    pieces = [
        Piece(label, rows, columns, int(pixels[label]), float(on_edge[label]))
        for label, (rows, columns) in enumerate(boxes, start=1)
        if label in kept
    ]
    return labels, sorted(pieces, key=lambda piece: -piece.pixels)


def frame_of(ink: Mask, has_frame: bool) -> Mask:
    """The mask of what is not the digit: a frame, a table under the paper, ink cut off by the edge.

    A piece at the edge is the digit if there is no other, except in a picture that `has_frame`,
    whose frame was partly found before.
    """
    labels, pieces = pieces_of(ink)
    touching = [piece for piece in pieces if piece.edge_share > 0]
    least = DIGIT_SHARE * min(ink.shape)
    if has_frame or any(piece.size >= least for piece in pieces if piece.edge_share == 0):
        dropped = touching
    else:
        frames = [piece for piece in touching if piece.edge_share >= FRAME_SHARE]
        dropped = frames if len(frames) < len(touching) else []
    dropped += [piece for piece in touching if piece.edge_share >= ALL_FRAME_SHARE]
    return np.isin(labels, [piece.label for piece in dropped])


def sheet_of(labels: Labels, pieces: list[Piece]) -> tuple[slice, slice, Mask] | None:
    """A nearly rectangular filled piece that may be a sheet of paper with the digit on it.

    Its bounding box, and its inside, bool, without the outermost pixels. Of all digits only a thick
    1 has this shape, and then nothing is on it.
    """
    from scipy import ndimage

    if not pieces:
        return None
    piece = max(pieces, key=lambda piece: piece.height * piece.width)
    if min(piece.height, piece.width) < SHEET_SIDE:
        return None
    own = labels[piece.rows, piece.columns] == piece.label
    filled = ndimage.binary_fill_holes(own)
    area = float(filled.sum())
    if area < SHEET_SHARE * labels.size or piece.pixels < SHEET_FILLED * area:
        return None
    if area < SHEET_RECTANGLE * _rectangle_around(filled):
        return None
    inside = ndimage.binary_erosion(filled, iterations=1 + piece.size // 50)
    return (piece.rows, piece.columns, inside) if inside.any() else None


def _rectangle_around(shape: Mask) -> float:
    """The area of the smallest rectangle around a shape: it has a side along the convex hull."""
    from scipy import ndimage
    from scipy.spatial import ConvexHull

    outline = np.argwhere(shape & ~ndimage.binary_erosion(shape)).astype(np.float64)
    corners = outline[ConvexHull(outline).vertices]
    edges = np.roll(corners, -1, axis=0) - corners
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = along @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    sides = [np.ptp(corners @ axes.T, axis=0) + 1 for axes in (along, across)]
    return float((sides[0] * sides[1]).min())


def digit_of(labels: np.ndarray, pieces: list[Piece]) -> list[Piece]:
    """The pieces of the digit: the largest, and pieces near it."""
    pieces = [piece for piece in pieces if not _is_box(labels, piece, pieces)]
    chosen, others = pieces[:1], pieces[1:]
    largest = chosen[0].pixels
    grown = True
    while grown:
        reach = PIECE_GAP * max(piece.size for piece in chosen)
        near = [
            piece
            for piece in others
            if piece.pixels >= SPECK_SHARE * largest
            and any(_gap(piece, one) <= reach for one in chosen)
        ]
        chosen += near
        others = [piece for piece in others if piece not in near]
        grown = bool(near)
    return chosen


def _gap(one: Piece, other: Piece) -> float:
    """The distance between the boxes of two pieces, in pixels."""
    down = max(one.rows.start - other.rows.stop, other.rows.start - one.rows.stop, 0)
    across = max(one.columns.start - other.columns.stop, other.columns.start - one.columns.stop, 0)
    return float(np.hypot(down, across))


def _is_box(labels: np.ndarray, piece: Piece, pieces: list[Piece]) -> bool:
    """Whether a piece is a drawn box around another: it has ink in all four corners, unlike a
    digit.
    """
    down, across = piece.height // 10 + 1, piece.width // 10 + 1
    own = labels[piece.rows, piece.columns] == piece.label
    corners = (
        own[y, x]
        for y in (slice(down), slice(-down, None))
        for x in (slice(across), slice(-across, None))
    )
    return all(corner.any() for corner in corners) and any(
        piece.rows.start < other.rows.start
        and other.rows.stop < piece.rows.stop
        and piece.columns.start < other.columns.start
        and other.columns.stop < piece.columns.stop
        and other.size >= DIGIT_SHARE * piece.size
        for other in pieces
    )
