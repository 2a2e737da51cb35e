"""Checks of every figure: no text overlaps another, and none is cut off."""

from matplotlib.figure import Figure
from matplotlib.text import Text

from mnistlab.figures import style


def shown_texts(figure: Figure) -> list[Text]:
    """Every text that is drawn; an axis also has tick labels outside its range, which are not
    drawn.
    """
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += list(axes.texts)
        if not axes.axison:
            continue
        # matplotlib has a title for each alignment; only the left one is ours.
        texts += [axes._left_title, axes.xaxis.label, axes.yaxis.label]
        legend = axes.get_legend()
        texts += legend.get_texts() if legend else []
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks() + axis.get_minor_ticks()
            inside = [tick for tick in ticks if low <= tick.get_loc() <= high]
            texts += [label for tick in inside for label in (tick.label1, tick.label2)]
            texts.append(axis.get_offset_text())
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def faults(figure: Figure) -> list[str]:
    """Messages about each text that is cut off, or overlaps another by at least a pixel."""
    with style.drawing():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        words = shown_texts(figure)
        # An annotation's own extent includes its leader line.
        boxes = [Text.get_window_extent(text, renderer) for text in words]
    found = []
    width, height = figure.canvas.get_width_height()
    for i, (text, box) in enumerate(zip(words, boxes, strict=True)):
        if not (box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height):
            found.append(f"{text.get_text()!r} is cut off")
        for other, other_box in zip(words[:i], boxes[:i], strict=True):
            across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            along = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            # The boxes of slanted words overlap where the words do not.
            slanted = text.get_rotation() % 90 and text.get_rotation() == other.get_rotation()
            if min(across, along) >= 1 and not slanted:
                found.append(f"{text.get_text()!r} lies on {other.get_text()!r}")
    return found
