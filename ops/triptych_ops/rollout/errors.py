"""Errors of a rollout that its engine lives with.

OpsError
+-- UnreachableError   the cluster does not answer now
+-- ConflictError      somebody else wrote it in the meantime
RefusedError
+-- ForbiddenError     the cluster answers that this user may not
+-- LostLeaseError     another process drives the rollout
"""

from triptych_ops.errors import OpsError, RefusedError


class UnreachableError(OpsError):
    """The cluster does not answer now; nothing is known of what was asked."""


class ConflictError(OpsError):
    """Somebody else wrote the object in the meantime; nothing was changed."""


class ForbiddenError(RefusedError):
    """The cluster answers that this user may not."""


class LostLeaseError(RefusedError):
    """Another process drives the rollout."""
