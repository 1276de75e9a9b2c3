"""The tooling behind the `triptych` command: build, release, serve.

Each folder is one concern. `cli` may import all of them and nothing imports `cli`; `export`, `release`
and `runtime` do not know each other, `builder` joins them.
"""
