{{/* Pod Security "restricted", and a root that is read-only. */}}

{{- define "triptych.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int .Values.podSecurity.user }}
runAsGroup: {{ int .Values.podSecurity.user }}
fsGroup: {{ int .Values.podSecurity.user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "triptych.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
