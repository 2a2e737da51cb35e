"""Kuzushiji-MNIST.

Source: Clanuwat et al., Deep learning for classical Japanese literature (2018).
"""

from mnistlab.data.known_files import checked_by
from mnistlab.data.source_kinds import PublishedFiles

SOURCE = PublishedFiles(
    name="kmnist",
    description="70,000 cursive kana of CODH's Kuzushiji",
    files=checked_by(
        "gz_md5",
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
    mirrors=(
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    torchvision="KMNIST",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
)
