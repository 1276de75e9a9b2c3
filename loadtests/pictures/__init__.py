"""What is sent: pictures of several sizes and formats, in shares, with invalid ones among them, or a folder."""

from .mix import MIXES, Kind, Mix, MixDescription, Picture, kind_from_text

__all__ = ["MIXES", "Kind", "Mix", "MixDescription", "Picture", "kind_from_text"]
