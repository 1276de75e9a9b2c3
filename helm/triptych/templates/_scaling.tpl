{{/* What the stable track is scaled by: a number for each pod, summed here and shared among the pods by the autoscaler. */}}

{{- define "triptych.hpaMetrics" -}}
{{- range $name, $each := dict "triptych_queue_seconds_per_request" .Values.autoscaling.queueSeconds "triptych_images_per_second" .Values.autoscaling.imagesPerSecond }}
{{- if $each }}
- type: External
  external:
    metric:
      name: {{ $name }}
      selector:
        matchLabels:
          track: stable
    target:
      type: AverageValue
      averageValue: {{ $each | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "triptych.kedaTriggers" -}}
{{- $root := . -}}
{{- range $series, $each := dict "triptych:queue_seconds_per_request:rate2m" .Values.autoscaling.queueSeconds "triptych:images:rate2m" .Values.autoscaling.imagesPerSecond }}
{{- if $each }}
- type: prometheus
  metricType: AverageValue
  metadata:
    serverAddress: {{ $root.Values.autoscaling.keda.prometheusUrl }}
    query: sum({{ $series }}{namespace="{{ $root.Release.Namespace }}",pod=~"{{ include "triptych.fullname" $root }}-stable-.+"})
    threshold: {{ $each | quote }}
    # No answer is an error, and leaves the pods as they are: not a zero that would remove them.
    ignoreNullValues: "false"
{{- end }}
{{- end }}
{{- end -}}
