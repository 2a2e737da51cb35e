"""Fashion-MNIST. Source: Xiao, Rasul and Vollgraf, Fashion-MNIST (2017)."""

from mnistlab.data.known_files import checked_by
from mnistlab.data.source_kinds import PublishedFiles

SOURCE = PublishedFiles(
    name="fashion-mnist",
    description="70,000 articles of Zalando's",
    files=checked_by(
        "gz_md5",
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    torchvision="FashionMNIST",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
