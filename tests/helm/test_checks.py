"""What the chart refuses, and in which words."""

import re
from typing import Any

import pytest

from helm.chart import RefusedError, render

_OLD = {"images": {"server": {"triton": "24.10"}}}

_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"tracks": {"stable": {"release": {"number": None}}}}, "tracks.stable.release has no number or no manifestSha256"),
    (
        {"tracks": {"candidate": {"enabled": True}}},
        "tracks.candidate.release has no number or no manifestSha256; name a published release",
    ),
    ({"store": {"url": ""}}, "store.type is url, and store.url is empty"),
    ({"store": {"type": "claim"}}, "store.type is claim, and store.claim.name is empty"),
    ({"store": {"type": "image"}}, "store.type is image, and store.image.reference is empty"),
    ({"signature": {"type": "key"}}, "signature.type is key, and signature.configMap is empty"),
    ({"signature": {"type": "sigstore", "identity": "a"}}, "give identity and identityProvider"),
    ({"accelerator": "gpu", "gpu": {"mode": "mig"}}, "gpu.migProfile is empty; give one, as 1g.10gb"),
    ({"accelerator": "gpu", "gpu": {"engineCache": {"type": "claim"}}}, "its claimName is empty"),
    ({"routes": {"enabled": True}}, "routes are enabled without parentRefs; name a Gateway"),
    ({"edge": {"tls": {"clientAuthorities": "clients"}}}, "give edge.tls.secretName, too"),
    ({"autoscaling": {"type": "keda"}}, "autoscaling.keda has neither prometheusUrl nor triggers"),
    ({"strategy": {"maxSurge": 0}}, "both 0, so no pod could be replaced"),
    (_OLD, "Triton 24.10 has holes that are known; take 26.06 or newer, or set allowVulnerable"),
    ({"images": {"server": {"triton": "26.05"}}}, "Triton 26.05 has holes that are known"),
    (
        {"images": {"server": {"tag": "24.10-py3"}}},
        "images.server.tag says Triton 24.10, and images.server.triton 26.06",
    ),
]


@pytest.mark.parametrize(("values", "message"), _REFUSED, ids=[message for _, message in _REFUSED])
def test_what_cannot_work_is_refused_with_a_word_on_what_to_do(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(message)):
        render(values)


def test_an_old_triton_is_taken_by_who_says_so() -> None:
    assert render(_OLD, allowVulnerable=True).objects


@pytest.mark.parametrize("triton", ["26.06", "26.10", "27.01"])
def test_the_floor_is_a_date_and_later_ones_are_taken(triton: str) -> None:
    assert render({"images": {"server": {"triton": triton, "tag": f"{triton}-py3"}}}).objects


_UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 2}, "additional properties 'replicas' not allowed"),
    ({"tracks": {"canary": {}}}, "additional properties 'canary' not allowed"),
    ({"edge": {"tls": {"secret": "x"}}}, "additional properties 'secret' not allowed"),
    ({"accelerator": "tpu"}, "accelerator"),
    ({"store": {"type": "git"}}, "/store/type"),
    ({"store": {"url": "http://models"}}, "/store/url"),
    ({"store": {"image": {"reference": "models:latest"}}}, "/store/image/reference"),
    ({"tracks": {"stable": {"release": {"manifestSha256": "abc"}}}}, "/tracks/stable/release/manifestSha256"),
    ({"tracks": {"stable": {"replicas": "2"}}}, "/tracks/stable/replicas"),
    ({"edge": {"maxBodyMiB": 1}}, "/edge/maxBodyMiB"),
    ({"podSecurity": {"user": 0}}, "/podSecurity/user"),
    ({"server": {"resources": {"claims": {}}}}, "additional properties 'claims' not allowed"),
]


@pytest.mark.parametrize(("values", "message"), _UNKNOWN, ids=[message for _, message in _UNKNOWN])
def test_the_schema_knows_every_key_and_what_it_may_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(message)):
        render(values)
