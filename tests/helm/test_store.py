"""Where a release comes from, and what must hold of it."""

import pytest

from helm.chart import render_scenario


@pytest.mark.parametrize(
    ("scenario", "store", "volume"),
    [
        ("minimal", "s3://models/triptych", None),
        ("existing-claim", "/store/triptych", {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}}),
        (
            "oci-volume",
            "/store",
            {"image": {"reference": f"models/triptych@sha256:{64 * 'a'}", "pullPolicy": "IfNotPresent"}},
        ),
    ],
)
def test_each_kind_of_store_is_pulled_from(scenario: str, store: str, volume: dict[str, object] | None) -> None:
    rendered = render_scenario(scenario)
    assert f"--store={store}" in rendered.container("pull")["args"]
    volumes = {each["name"]: each for each in rendered.pod()["volumes"]}
    assert volumes.get("store") == (volume and {"name": "store", **volume})
    mounted = [each for each in rendered.container("pull")["volumeMounts"] if each["name"] == "store"]
    assert mounted == ([{"name": "store", "mountPath": "/store", "readOnly": True}] if volume else [])


@pytest.mark.parametrize(
    ("scenario", "flags"),
    [
        ("minimal", []),
        ("s3-signed", ["--key=/etc/triptych/signature/public.pem"]),
        ("existing-claim", ["--certificate-chain=/etc/triptych/signature/ca.pem"]),
        (
            "s3-sigstore",
            ["--identity=https://ci.example/triptych/release", "--identity-provider=https://issuer.example"],
        ),
    ],
)
def test_a_signature_is_asked_for_as_the_command_has_it(scenario: str, flags: list[str]) -> None:
    assert render_scenario(scenario).container("pull")["args"][6:] == flags


def test_credentials_of_the_store_are_a_secret_that_only_the_pull_has() -> None:
    pod = render_scenario("s3-signed").pod()
    having = [each["name"] for each in (*pod["initContainers"], *pod["containers"]) if "envFrom" in each]
    assert having == ["pull"]
    pull = pod["initContainers"][0]
    assert pull["envFrom"] == [{"secretRef": {"name": "store"}}]
    assert {"name": "AWS_REGION", "value": "us-east-1"} in pull["env"]
