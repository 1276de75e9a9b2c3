{{/* Where pods of a track run. Takes a dict of `root` and `track`. */}}

{{- define "triptych.scheduling" -}}
{{- $v := .root.Values -}}
{{- $gpu := eq $v.accelerator "gpu" -}}
{{- $nodes := ternary (merge (dict) $v.nodeSelector $v.gpu.nodeSelector) $v.nodeSelector $gpu -}}
{{- $tolerations := ternary (concat $v.tolerations $v.gpu.tolerations) $v.tolerations $gpu -}}
{{- if and $gpu $v.gpu.runtimeClassName }}
runtimeClassName: {{ $v.gpu.runtimeClassName }}
{{- end }}
{{- with $nodes }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $v.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- include "triptych.spread" . }}
{{- end -}}

{{- define "triptych.spread" -}}
{{- $spread := .root.Values.topologySpread -}}
{{- $keys := dict "zone" "topology.kubernetes.io/zone" "node" "kubernetes.io/hostname" -}}
{{- if or (ne $spread.zone "none") (ne $spread.node "none") }}
topologySpreadConstraints:
{{- range $what := list "zone" "node" }}
{{- if ne (index $spread $what) "none" }}
  - topologyKey: {{ index $keys $what }}
    maxSkew: 1
    whenUnsatisfiable: {{ index $spread $what }}
    labelSelector:
      matchLabels:
        {{- include "triptych.trackSelector" $ | nindent 8 }}
    # Pods of one rollout among themselves, not with those that go.
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
