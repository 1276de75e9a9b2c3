"""What users of image classification do. Run by Locust:

locust -f loadtests/locustfile.py --host grpc://localhost:8001                  a page at :8089
locust -f loadtests/locustfile.py --host http://localhost:8000 --headless -u 8 -t 1m
locust -f loadtests/locustfile.py RestVisitor --host http://localhost:8080      through a gateway
locust -f loadtests/locustfile.py --master, and --worker on each of several machines
"""

from locust import between, constant, task

from loadtests.pictures import MIXES, MixDescription
from loadtests.users.crowd import Crowd
from loadtests.users.locusts import GrpcUser, HttpUser, ImageUser, RestUser


class Visitor(ImageUser):
    """Sends a photograph, looks at the answer, sends another; one in fifty is none."""

    abstract = True
    mix = MixDescription(kinds=MIXES["web"], invalid_share=0.02)
    wait_time = between(0.5, 2.0)

    @task
    def show_a_photograph(self) -> None:
        """One picture, one answer."""
        self.classify()


class GrpcVisitor(Visitor, GrpcUser):
    """A visitor over gRPC."""

    weight = 20


class HttpVisitor(Visitor, HttpUser):
    """A visitor over Triton's HTTP."""


class RestVisitor(Visitor, RestUser):
    """A visitor through a gateway."""


class Archivist(GrpcUser):
    """Sends a whole collection, eight pictures at a time; one among twenty visitors."""

    weight = 1
    wait_time = constant(0)

    @task
    def sort_an_album(self) -> None:
        """Eight pictures, eight answers."""
        self.classify(images=8)


class GrpcCrowd(Crowd, GrpcUser):
    """People who come when they like, ten a second."""


class HttpCrowd(Crowd, HttpUser):
    """The same over HTTP."""


class RestCrowd(Crowd, RestUser):
    """The same through a gateway."""
