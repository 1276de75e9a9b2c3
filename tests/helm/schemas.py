"""Kubernetes' own schemas, strict: an unknown field is an error. One definition file a version is read once."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from helm.chart import Object

BUILT_IN = frozenset(
    {
        "apps/v1",
        "autoscaling/v2",
        "batch/v1",
        "networking.k8s.io/v1",
        "policy/v1",
        "rbac.authorization.k8s.io/v1",
        "v1",
    }
)
"""What every Kubernetes has; other groups are of custom resources."""


def errors(found: Object, version: str) -> list[str]:
    """What is wrong with an object for a version of Kubernetes, a line each."""
    validator = _validator(version, found["apiVersion"], found["kind"])
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]


@cache
def _validator(version: str, api_version: str, kind: str) -> Draft202012Validator:
    group, _, name = api_version.rpartition("/")
    suffix = f"{group.partition('.')[0]}-{name}" if group else name
    schema = schema_contents(f"{_folder(version)}/{kind.lower()}-{suffix}.json", version)
    registry = _definitions(version)
    return Draft202012Validator(schema, registry=registry)


@cache
def _definitions(version: str) -> Registry[Any]:
    definitions = schema_contents(f"{_folder(version)}/_definitions.json", version)
    return Resource.from_contents(definitions) @ Registry()


def _folder(version: str) -> str:
    return f"kubernetes-json-schema/v{version}-local-strict"
