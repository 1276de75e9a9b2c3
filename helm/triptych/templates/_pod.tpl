{{/*
A pod of a track. In the order of their start, and against the order of their end:

    pull    brings the release, checked, and ends
    health  asks the server the known question for the kubelet
    server  Triton, on loopback
    edge    Envoy, all that others reach
*/}}

{{- define "triptych.pod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $release := (index $v.tracks .track).release -}}
metadata:
  labels:
    {{- include "triptych.trackSelector" . | nindent 4 }}
    triptych/release: {{ int $release.number | quote }}
    {{- with merge (dict) $v.podLabels $v.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    triptych/manifest-sha256: {{ $release.manifestSha256 | quote }}
    kubectl.kubernetes.io/default-container: server
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "triptych.serviceAccount" $root }}
  automountServiceAccountToken: false
  # A Service called triptych would set TRIPTYCH_PORT and the like, which are settings of the command.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "triptych.graceSeconds" $root }}
  securityContext:
    {{- include "triptych.podSecurity" $root | nindent 4 }}
  {{- with $v.images.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  dnsPolicy: {{ $v.dnsPolicy }}
  {{- with $v.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "triptych.scheduling" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  initContainers:
    {{- include "triptych.pull" . | nindent 4 }}
    {{- with $v.extraInitContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "triptych.prober" $root | nindent 4 }}
    {{- include "triptych.triton" $root | nindent 4 }}
  containers:
    {{- include "triptych.edge" $root | nindent 4 }}
    {{- with $v.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "triptych.volumes" $root | nindent 4 }}
{{- end -}}
