"""`triptych demo`: the whole way once, on the bundled photographs."""

import click

from triptych import Client, contract
from triptych_ops import runtime
from triptych_ops.photographs import PHOTOGRAPHS, Photograph
from triptych_ops.release import Release, Store

from .build import build_release
from .classify import show
from .loopback import loopback_server
from .output import say
from .store_option import store_option


@click.command()
@store_option
def demo(store: Store) -> None:
    """Build release 1 unless there is a release, serve the newest, classify photographs, stop."""
    release = _newest_or_built(store)
    say(f"serving release {release.number} ({release.manifest.architecture}) on loopback")
    with loopback_server(release) as server:
        state = server.wait_ready()
        say(f"ready: {state.reason}")
        with Client(server.ports.grpc_url) as grpc_client, Client(server.ports.http_url) as http_client:
            for photograph in PHOTOGRAPHS:
                _show(photograph, grpc_client, "gRPC", server)
                _show(photograph, http_client, "HTTP", server)
    say("stopped")


def _newest_or_built(store: Store) -> Release:
    if store.exists() and store.numbers():
        return store.release()
    return build_release(store)


def _show(photograph: Photograph, client: Client, protocol: str, server: runtime.Server) -> None:
    before = runtime.member_times(server.ports.grpc_url)
    result = client.classify(photograph.path)
    after = runtime.member_times(server.ports.grpc_url)
    spent = [(after[member] - before[member]).total_s * 1000 for member in contract.MEMBERS]
    total = result.elapsed_s * 1000
    parts = zip(("decode", "classify", "rank", "transport"), (*spent, total - sum(spent)), strict=True)
    shares = " + ".join(f"{name} {part:.1f}" for name, part in parts)
    show(f"{photograph.name} through {protocol}: {total:.1f} ms = {shares}", result)
