"""The documents that the gateway answers with, as OpenAPI tells them. The answers themselves are made without these."""

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid")


class Prediction(Document):
    """One class; `score` is a softmax probability."""

    class_id: int = Field(ge=0, examples=[967])
    label: str = Field(examples=["espresso"])
    score: float = Field(ge=0, le=1, examples=[0.9511])


class Served(Document):
    """Who answered, and how long it took."""

    release: int = Field(description="Number of the release that answered.", examples=[1])
    request_id: str = Field(description="What the server logged the request under.")
    elapsed_s: float = Field(ge=0, description="Seconds from asking the server to its whole answer, retries and all.")
    attempts: int = Field(ge=1, description="How often the server was asked until then.")


class Classification(Served):
    """The best classes of one image, best first."""

    predictions: list[Prediction] = Field(min_length=1)


class Embedding(Served):
    """The penultimate features of one image."""

    vector: list[float] = Field(min_length=1)


class Failure(Document):
    """Why one image of several could not be classified."""

    code: str = Field(description="One word for programs.", examples=["not_an_image"])
    message: str = Field(description="A sentence for people.")


class FailedFile(Document):
    """A file that could not be classified."""

    file: str = Field(description="The file's name, as the form has it.")
    error: Failure


class ClassifiedFile(Classification):
    """A file's classification."""

    file: str = Field(description="The file's name, as the form has it.")


class EmbeddedFile(Embedding):
    """A file's features."""

    file: str = Field(description="The file's name, as the form has it.")


class Classifications(Document):
    """An entry for each file, in their order."""

    results: list[ClassifiedFile | FailedFile] = Field(min_length=2)


class Embeddings(Document):
    """An entry for each file, in their order."""

    results: list[EmbeddedFile | FailedFile] = Field(min_length=2)


class Life(Document):
    """The process answers."""

    ok: bool


class Health(Document):
    """The server classified the built-in image, and rightly."""

    ok: bool
    reason: str = Field(description="What was found.")
    release: int | None = Field(description="Number of the release that answered.")
    known: bool = Field(description="Whether the answer was compared with the release's own known answer.")
    elapsed_s: float = Field(ge=0, description="Seconds that the check took.")


class Problem(BaseModel):
    """What was wrong (RFC 9457)."""

    type: str = Field(description="Which kind of problem.", examples=["urn:triptych:problem:overloaded"])
    title: str = Field(description="The kind, in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was wrong this time.")
    code: str = Field(description="One word for programs: the image's error, else the kind's name.")
    request_id: str = Field(description="As in the answer's header `x-request-id`.")


ALL = (Classification, Classifications, Embedding, Embeddings, Life, Health, Problem)
"""Those that answers are made of."""
