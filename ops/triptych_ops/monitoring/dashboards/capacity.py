"""Whether there is enough of everything, and what gets short first."""

from typing import Final

from ..signals import IMAGES, QUEUE_SECONDS
from ..slo import EDGE_PORTS, MEMBERS
from .panel import CHOICES, NAMESPACE, RATE, SERVED, Dashboard, Kind, Panel, Query, Row, Source

_MODELS = f'model=~"{MEMBERS}",{SERVED}'
_EDGE = f'envoy_http_conn_manager_prefix=~"{EDGE_PORTS}",{SERVED}'
_TRITON = f'envoy_cluster_name="triton",{SERVED}'
_HPA = f'{NAMESPACE},horizontalpodautoscaler=~".*-stable"'
_CONTAINER = f'container=~"server|edge",{NAMESPACE}'


def _ratio(above: str, below: str) -> str:
    return (
        f"sum by (model) (rate(nv_inference_{above}{{{_MODELS}}}[{RATE}]))"
        f" / (sum by (model) (rate(nv_inference_{below}{{{_MODELS}}}[{RATE}])) > 0)"
    )


_SCALING = Row(
    "What scaling goes by",
    (
        Panel(
            title="Waiting",
            description="Of a request where it waits longest, by pod. Autoscaling keeps it near 0.05 s; 0.1 s alert.",
            queries=(Query(f'{QUEUE_SECONDS}{{{NAMESPACE},track=~"$track"}}', "{{track}} {{pod}}"),),
            unit="s",
            thresholds=(0.05, 0.1),
        ),
        Panel(
            title="Images of each pod",
            description="Classified in a second. `triptych loadtest find-max` says how many a pod can do.",
            queries=(Query(f'{IMAGES}{{{NAMESPACE},track=~"$track"}}', "{{track}} {{pod}}"),),
            unit="ops",
        ),
        Panel(
            title="Pods",
            description="Present, and the most that autoscaling may have.",
            queries=(
                Query(f"kube_horizontalpodautoscaler_status_current_replicas{{{_HPA}}}", "present", Source.KUBERNETES),
                Query(f"kube_horizontalpodautoscaler_spec_max_replicas{{{_HPA}}}", "at most", Source.KUBERNETES),
            ),
            unit="none",
        ),
    ),
)

_MEMBERS = Row(
    "Members",
    (
        Panel(
            title="Requests that wait",
            description="By member. One that grows while the others are empty is the bottleneck.",
            queries=(Query(f"sum by (model) (nv_inference_pending_request_count{{{_MODELS}}})", "{{model}}"),),
            unit="none",
            stacked=True,
        ),
        Panel(
            title="Batch",
            description="Images computed at once. Batches that do not grow with the load leave capacity unused.",
            queries=(Query(_ratio("count", "exec_count"), "{{model}}"),),
            unit="none",
        ),
        Panel(
            title="Computing",
            description="A request, by member.",
            queries=(Query(f"{_ratio('compute_infer_duration_us', 'request_success')} / 1e6", "{{model}}"),),
            unit="s",
        ),
    ),
)

_EDGES = Row(
    "Edge",
    (
        Panel(
            title="Under way",
            description="Requests in Triton's hands, by pod. From edge.maxConcurrent on others are told to come later.",
            queries=(Query(f"sum by (pod) (envoy_cluster_upstream_rq_active{{{_TRITON}}})", "{{pod}}"),),
            unit="none",
            width=6,
        ),
        Panel(
            title="Refused",
            description="A second: more under way than edge.maxConcurrent, or no memory for them.",
            queries=(
                Query(
                    f"sum by (pod) (rate(envoy_cluster_upstream_rq_pending_overflow{{{_TRITON}}}[{RATE}]))",
                    "{{pod}} full",
                ),
                Query(
                    f"sum by (pod) (rate(envoy_http_downstream_rq_overload_close{{{_EDGE}}}[{RATE}]))",
                    "{{pod}} memory",
                ),
            ),
            unit="reqps",
            thresholds=(0.01, 1),
            width=6,
        ),
        Panel(
            title="Connections",
            description="Of clients, by pod. Very unequal ones mean that clients stick to one pod.",
            queries=(Query(f"sum by (pod) (envoy_http_downstream_cx_active{{{_EDGE}}})", "{{pod}}"),),
            unit="none",
            width=6,
        ),
        Panel(
            title="Pressure",
            description="Of the edge's memory and connections. From 80 % on it drops requests, from 95 % it refuses.",
            queries=(
                Query(
                    f"max by (pod) (envoy_overload_envoy_resource_monitors_fixed_heap_pressure{{{SERVED}}}) / 100",
                    "{{pod}} memory",
                ),
                Query(
                    "max by (pod) (envoy_overload_envoy_resource_monitors_global_downstream_max_connections_pressure"
                    f"{{{SERVED}}}) / 100",
                    "{{pod}} connections",
                ),
            ),
            unit="percentunit",
            thresholds=(0.8, 0.95),
            most=1,
            width=6,
        ),
        Panel(
            title="Received and sent",
            description="By the edge.",
            queries=(
                Query(f"sum(rate(envoy_http_downstream_cx_rx_bytes_total{{{_EDGE}}}[{RATE}]))", "received"),
                Query(f"sum(rate(envoy_http_downstream_cx_tx_bytes_total{{{_EDGE}}}[{RATE}]))", "sent"),
            ),
            unit="Bps",
        ),
        Panel(
            title="Failed connections to Triton",
            description="A second. Any at all mean that Triton does not listen.",
            queries=(
                Query(f"sum by (pod) (rate(envoy_cluster_upstream_cx_connect_fail{{{_TRITON}}}[{RATE}]))", "{{pod}}"),
            ),
            unit="ops",
            thresholds=(0.01, 0.1),
        ),
        Panel(
            title="Certificate",
            description="Days that the edge's is valid for; nothing where it serves in plain.",
            queries=(
                Query(
                    f"min by (pod) (envoy_server_days_until_first_cert_expiring{{{SERVED}}} < 1e6)",
                    "{{pod}}",
                    Source.TLS,
                ),
            ),
            unit="d",
            kind=Kind.NUMBER,
            thresholds=(7, 14),
            falling=True,
        ),
    ),
)

_MACHINES = Row(
    "Machines",
    (
        Panel(
            title="CPU of the machine",
            description="As Triton sees it, others' work included.",
            queries=(Query(f"max by (pod) (nv_cpu_utilization{{{SERVED}}})", "{{pod}}"),),
            unit="percentunit",
            thresholds=(0.8, 0.95),
            most=1,
        ),
        Panel(
            title="Memory of the machine",
            description="In use, others' included.",
            queries=(
                Query(
                    f"max by (pod) (nv_cpu_memory_used_bytes{{{SERVED}}} / nv_cpu_memory_total_bytes{{{SERVED}}})",
                    "{{pod}}",
                ),
            ),
            unit="percentunit",
            thresholds=(0.8, 0.95),
            most=1,
        ),
        Panel(
            title="Memory of the edge",
            description="That it holds.",
            queries=(Query(f"max by (pod) (envoy_server_memory_physical_size{{{SERVED}}})", "{{pod}}"),),
            unit="bytes",
        ),
        Panel(
            title="CPU of the containers",
            description="Cores.",
            queries=(
                Query(
                    f"sum by (pod, container) (rate(container_cpu_usage_seconds_total{{{_CONTAINER}}}[{RATE}]))",
                    "{{pod}} {{container}}",
                    Source.CONTAINERS,
                ),
            ),
            unit="none",
        ),
        Panel(
            title="Memory of the containers",
            description="Of their limits. At 1 the kernel ends one.",
            queries=(
                Query(
                    f"sum by (pod, container) (container_memory_working_set_bytes{{{_CONTAINER}}})\n"
                    "/ sum by (pod, container) (kube_pod_container_resource_limits"
                    f'{{resource="memory",{_CONTAINER}}})',
                    "{{pod}} {{container}}",
                    Source.CONTAINERS,
                ),
            ),
            unit="percentunit",
            thresholds=(0.8, 0.95),
            most=1,
        ),
        Panel(
            title="Restarts",
            description="Of containers, in the last hour.",
            queries=(
                Query(
                    f"sum by (pod, container) (increase(kube_pod_container_status_restarts_total{{{_CONTAINER}}}[1h]))",
                    "{{pod}} {{container}}",
                    Source.KUBERNETES,
                ),
            ),
            unit="none",
            thresholds=(1, 3),
        ),
        Panel(
            title="GPU",
            description="Time in which it computes.",
            queries=(Query(f"max by (pod, gpu_uuid) (nv_gpu_utilization{{{SERVED}}})", "{{pod}}", Source.GPU),),
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Memory of the GPU",
            description="In use. 0.95 alerts: the next batch or engine may not fit.",
            queries=(
                Query(
                    "max by (pod, gpu_uuid) "
                    f"(nv_gpu_memory_used_bytes{{{SERVED}}} / nv_gpu_memory_total_bytes{{{SERVED}}})",
                    "{{pod}}",
                    Source.GPU,
                ),
            ),
            unit="percentunit",
            thresholds=(0.8, 0.95),
            most=1,
        ),
        Panel(
            title="Power of the GPU",
            description="Watt.",
            queries=(Query(f"max by (pod, gpu_uuid) (nv_gpu_power_usage{{{SERVED}}})", "{{pod}}", Source.GPU),),
            unit="watt",
        ),
    ),
)

CAPACITY: Final = Dashboard(
    name="capacity",
    title="Triptych: capacity",
    description="Whether there is enough of everything, and what gets short first.",
    variables=CHOICES,
    rows=(_SCALING, _MEMBERS, _EDGES, _MACHINES),
)
