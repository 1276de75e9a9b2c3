"""Load tests: what a running server can do, measured from outside.

Forbidden inside: anything of `triptych_ops`. Servers are started by the `triptych` command and called over the network;
of ours only the SDK is imported.
"""
