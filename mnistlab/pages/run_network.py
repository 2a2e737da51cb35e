"""The network on a run's page, and the film of its first layer."""

import base64
import logging
from typing import Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.snapshots import snapshots_of
from mnistlab.figures.film import layer_film
from mnistlab.pages.try_it import MOST_BYTES, RESERVED, try_it
from mnistlab.support.errors import MnistlabError
from mnistlab.support.text_format import human_bytes

logger = logging.getLogger(__name__)

# Of the film on a page: enough to see weights form, in a small share of the page.
FILM_TILES, FILM_FRAMES, FILM_BYTES = 20, 13, 600_000
COMMAND = "`mnistlab visualize RUN --only film`"


def network_on_page(run: Artefacts, of_figures: int) -> dict[str, Any]:
    """The sections `try_it` and `film` of a page whose figures take `of_figures` bytes; each may
    say under `missing` why it is not there. `film` is None if the run kept no snapshots.
    """
    film = _film(run)
    left = MOST_BYTES - RESERVED - of_figures - len(film["address"] if film else "")
    try:
        return {"film": film, "try_it": vars(try_it(run, left)) | {"missing": ""}}
    except MnistlabError as error:
        logger.debug("no network on the page: %s", error)
        return {"film": film, "try_it": {"missing": "; ".join(error.messages)}}


def _film(run: Artefacts) -> dict[str, str] | None:
    """The film of the first layer's weights as a data URL, or why it is missing."""
    if len(snapshots_of(run)) < 2:
        return None
    told = {"layer": "", "address": "", "missing": ""}
    try:
        (layer, seen), *_ = run.weighed_layers
        film = layer_film(run, layer, seen, tiles=FILM_TILES, most_frames=FILM_FRAMES)
    except MnistlabError as error:
        logger.debug("no film on the page: %s", error)
        return told | {"missing": "; ".join(error.messages)}
    content = film.gif()
    if len(content) > FILM_BYTES:
        size = human_bytes(len(content))
        return told | {"missing": f"it needs {size}; {COMMAND} writes it as a file"}
    address = f"data:image/gif;base64,{base64.b64encode(content).decode()}"
    return told | {"layer": layer, "address": address}
