"""Small JSON files of a store beside its releases, written once and never changed."""

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import override

from triptych_ops.errors import RefusedError

_SHA256 = "^[0-9a-f]{64}$"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    place_field: ClassVar[str]  # says where the record belongs, as its file's name does

    schema_version: Literal[1] = 1

    @classmethod
    def from_json(cls, document: bytes, *, source: str, place: str | int) -> Self:
        """Check the text of a record that lies at `place`; `source` names it in errors.

        Raises:
            RefusedError: it is none, or one of another place.
        """
        try:
            record = cls.model_validate_json(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RefusedError(f"{source} is corrupt: {where}: {first['msg']}; restore it from a backup") from error
        if (own := getattr(record, cls.place_field)) != place:
            raise RefusedError(
                f"{source} is corrupt: its {cls.place_field} is {own!r}, not {place!r}; restore it from a backup"
            )
        return record

    def to_json(self) -> bytes:
        """Indented JSON."""
        return (self.model_dump_json(indent=2) + "\n").encode()


class NumberRecord(_Record):
    """`numbers/7.json`: who took number 7, and for which manifest. It stays when the release is removed."""

    place_field = "number"

    number: int = Field(gt=0)
    manifest_sha256: str = Field(pattern=_SHA256)
    publisher: str  # user@host
    at: datetime  # by the publisher's clock, for people: nothing is decided by it


class AliasRecord(_Record):
    """`aliases/stable/000003.json`: one line of an alias' history; the highest number of a file is the present."""

    place_field = "alias"

    alias: str
    number: int | None = Field(gt=0)  # None: the alias was removed
    manifest_sha256: str | None = Field(pattern=_SHA256)
    by: str  # user@host
    at: datetime  # as above
    # Of an entry of a signed history alone, which other entries of the alias follow.
    sequence: int | None = Field(default=None, gt=0)  # as its file's name says
    previous_sha256: str | None = Field(default=None, pattern=_SHA256)  # of the file of the entry before

    @override
    def to_json(self) -> bytes:
        """Indented JSON; what is not of a signed history is as it was before there were any."""
        chain = {name for name in ("sequence", "previous_sha256") if getattr(self, name) is None}
        return (self.model_dump_json(indent=2, exclude=chain) + "\n").encode()

    @model_validator(mode="after")
    def _target_is_whole(self) -> Self:
        if (self.number is None) != (self.manifest_sha256 is None):
            raise ValueError("number and manifest_sha256 are null together or not at all")
        if (self.previous_sha256 is None) != (self.sequence in (None, 1)):
            raise ValueError("previous_sha256 belongs to each sequence above 1, and to no other")
        return self
