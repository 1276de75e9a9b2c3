{{/*
How a pod ends. The kubelet ends the edge, then, once it has ended, the server, which is a restartable init container.

    0                       the pod is Terminating; Services and gateways learn of it; all is served as before
    P = propagationSeconds  the edge's preStop is over: SIGTERM; it takes no connection and tells the old ones to go
    P + R                   at the latest: requests under way had R = requestSeconds; usually they took milliseconds
    P + R + E               at the latest: Triton, with nothing under way, had E = exitSeconds
    P + R + E + 5           the kubelet kills what is left

    terminationGracePeriodSeconds = P + R + E + 5
*/}}

{{- define "triptych.graceSeconds" -}}
{{- $drain := .Values.drain -}}
{{- add (int $drain.propagationSeconds) (int $drain.requestSeconds) (int $drain.exitSeconds) 5 -}}
{{- end -}}

{{/* Kubernetes 1.29 has no preStop.sleep unless a gate is open; the tooling's image has the program. */}}
{{- define "triptych.preStop" -}}
preStop:
  {{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}
  sleep:
    seconds: {{ int .Values.drain.propagationSeconds }}
  {{- else }}
  exec:
    command: [sleep, {{ int .Values.drain.propagationSeconds | quote }}]
  {{- end }}
{{- end -}}

{{/* Of the probe that kills: a server whose stub is dead would wait its whole exit timeout for it. */}}
{{- define "triptych.killSeconds" -}}1{{- end -}}

{{- define "triptych.startupSeconds" -}}
{{- if .Values.health.startup.budgetSeconds -}}
{{- int .Values.health.startup.budgetSeconds -}}
{{- else -}}
{{- ternary 1200 120 (eq .Values.accelerator "gpu") -}}
{{- end -}}
{{- end -}}
