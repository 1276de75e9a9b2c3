{{/* An endpoint of a PodMonitor or a ServiceMonitor. */}}
{{- define "triptych.endpoint" -}}
- port: metrics
  interval: {{ int .Values.monitoring.intervalSeconds }}s
  scrapeTimeout: {{ min 10 (int .Values.monitoring.intervalSeconds) }}s
  relabelings:
    - sourceLabels: [__meta_kubernetes_pod_label_triptych_track]
      targetLabel: track
    - sourceLabels: [__meta_kubernetes_pod_label_triptych_release]
      targetLabel: release
{{- end -}}
