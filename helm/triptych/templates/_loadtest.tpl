{{/* Locust's pods. Takes a dict of `root`, `part` (master or worker) and `args`, a list. */}}

{{- define "triptych.loadtestPod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $load := $v.loadTest -}}
metadata:
  labels:
    {{- include "triptych.labels" $root | nindent 4 }}
    app.kubernetes.io/component: loadtest
    triptych/loadtest: {{ .part }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  dnsPolicy: {{ $v.dnsPolicy }}
  securityContext:
    {{- include "triptych.podSecurity" $root | nindent 4 }}
  {{- with $v.images.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $load.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $load.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: locust
      image: {{ include "triptych.image" (dict "root" $root "image" $v.images.loadtest) }}
      imagePullPolicy: {{ $v.images.loadtest.pullPolicy }}
      command: [locust]
      args:
        - --locustfile=/opt/loadtests/locustfile.py
        {{- range .args }}
        - {{ . }}
        {{- end }}
        - {{ $load.users }}
      env:
        - { name: HOME, value: /tmp }
      resources:
        {{- toYaml $load.resources | nindent 8 }}
      securityContext:
        {{- include "triptych.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        - { name: temporary, mountPath: /tmp }
        {{- if eq .part "master" }}
        - { name: record, mountPath: /record }
        {{- end }}
  volumes:
    - name: temporary
      emptyDir: { sizeLimit: 64Mi }
    {{- if eq .part "master" }}
    - name: record
      {{- if $load.recordClaim }}
      persistentVolumeClaim: { claimName: {{ $load.recordClaim }} }
      {{- else }}
      emptyDir: { sizeLimit: 1Gi }
      {{- end }}
    {{- end }}
{{- end -}}

{{/* An upgrade's Jobs are others: what a Job runs cannot change. */}}
{{- define "triptych.loadtestName" -}}
{{ printf "loadtest-%s-%d" .part (int .root.Release.Revision) }}
{{- end -}}
