"""A server of the real protocols without a model, for tests of whoever uses the SDK.

    with FakeServer() as server, Client(server.grpc_url) as client:
        assert client.classify(b"any bytes").top.label == label(b"any bytes")
        server.set_answer(b"a cat", Prediction(281, "tabby", 0.9))
        server.set_error(b"half a cat", "corrupt_image", "the file is cut off")
        server.fails = Failure("UNAVAILABLE", http=503)

It answers each image by a checksum of its bytes unless it is given the answer or the error of the image, or fails as it
is told to. Nothing is decoded.
"""

from .answers import class_id, label
from .certificates import Certificate
from .server import Failure, FakeServer

__all__ = ["Certificate", "Failure", "FakeServer", "class_id", "label"]
