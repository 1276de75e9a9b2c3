"""What can go wrong with the cluster."""


class ClusterError(Exception):
    """One line: what, which, what to do; the last lines of a program's log may follow."""
