{{/* The endpoints of a PodMonitor or a ServiceMonitor: Triton's and the edge's. */}}
{{- define "triptych.endpoints" -}}
{{- range $port := list "metrics" "edge-metrics" -}}
- port: {{ $port }}
  interval: {{ int $.Values.monitoring.intervalSeconds }}s
  scrapeTimeout: {{ min 10 (int $.Values.monitoring.intervalSeconds) }}s
  relabelings:
    - sourceLabels: [__meta_kubernetes_pod_label_triptych_track]
      targetLabel: track
    - sourceLabels: [__meta_kubernetes_pod_label_triptych_release]
      targetLabel: release
  metricRelabelings:
    # What the counters of the models say of themselves: the same.
    - action: labeldrop
      regex: exported_release
{{ end -}}
{{- end -}}

{{/* Where spans are sent, and its port, which is 4318 unless the address has one. */}}
{{- define "triptych.collectorPort" -}}
{{- $host := (urlParse .Values.tracing.otlpEndpoint).host -}}
{{- default "4318" (trimPrefix ":" (regexFind ":[0-9]+$" $host)) -}}
{{- end -}}

{{- define "triptych.collectorUrl" -}}
http://{{ regexReplaceAll ":[0-9]+$" (urlParse .Values.tracing.otlpEndpoint).host "" }}:{{ include "triptych.collectorPort" . }}
{{- end -}}
