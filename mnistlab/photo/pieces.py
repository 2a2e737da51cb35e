"""Connected pieces of ink: which are the digit, a frame, a sheet of paper, a speck of dust."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

# What lies along so much of the picture's edge is a frame, or the table under the paper.
FRAME_SHARE, ALL_FRAME_SHARE = 0.2, 0.5
# A digit is at least this high, as a share of the picture's shorter side, where ink at the
# edge is to be left out beside it.
DIGIT_SHARE = 0.08
# Pieces that belong to a digit: at most so far from the rest, by its size, and not mere specks.
PIECE_GAP, SPECK_SHARE = 0.25, 0.02
# A sheet on a table takes at least this share of the picture and so many pixels each way, and is
# filled and rectangular: so much of its outline's area is of its colour, and so much of the
# narrowest rectangle around it, however turned (an ellipse takes 0.79).
SHEET_SHARE, SHEET_SIDE, SHEET_FILLED, SHEET_RECTANGLE = 0.1, 60, 0.8, 0.88


@dataclass(frozen=True)
class Piece:
    """A connected piece of ink: its number among the labels, and its box."""

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
    """The connected pieces of ink by number from 1, largest first; without `sure` they are none."""
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
    """Where there is no digit: a frame, a table under the paper, what the edge cuts off.

    What touches the edge is the digit all the same where there is no other, but for a picture that
    `has_frame`, some of which was found before.
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
    """A filled rectangle, or nearly, that may be a sheet of paper with the digit on it.

    Its box, and the inside of it, bool, without its outermost pixels. No digit has its shape but
    such as a thick 1, on which then nothing stands.
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
    """The area of the smallest rectangle around a shape: along an edge of its convex hull."""
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
    """The pieces that make the digit: the largest, and what stands near it."""
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
    """Whether a piece is a drawn box around another: inked in all four corners, as no digit is."""
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
