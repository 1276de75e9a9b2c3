{{/* Envoy, configured by `triptych edge` as by `triptych serve --edge`: keys come from a Secret and never into a manifest. */}}

{{- define "triptych.edge" -}}
{{- $v := .Values -}}
- name: edge
  {{- include "triptych.tooling" . | nindent 2 }}
  command: [triptych]
  args:
    {{- include "triptych.edgeFlags" . | nindent 4 }}
  env:
    - { name: HOME, value: /tmp }
  ports:
    - { name: http, containerPort: 8080 }
    - { name: grpc, containerPort: 8081 }
    - { name: edge-metrics, containerPort: 8082 }
  lifecycle:
    {{- include "triptych.preStop" . | nindent 4 }}
  # Whether it listens: what is behind it the server's own probes say.
  readinessProbe:
    tcpSocket: { port: 8080 }
    periodSeconds: 2
    failureThreshold: 2
  livenessProbe:
    tcpSocket: { port: 8081 }
    initialDelaySeconds: 10
    periodSeconds: 10
    failureThreshold: 3
  resources:
    requests: { cpu: {{ $v.edge.cpuRequest }}, memory: 256Mi }
    limits: { memory: {{ div (mul (int $v.edge.memoryMiB) 3) 2 }}Mi }
  securityContext:
    {{- include "triptych.containerSecurity" . | nindent 4 }}
  volumeMounts:
    # In memory: the keys come to lie there.
    - { name: edge, mountPath: /tmp }
    {{- if $v.edge.tls.secretName }}
    - { name: tls, mountPath: /etc/triptych/tls, readOnly: true }
    {{- end }}
    {{- if $v.edge.tls.clientAuthorities }}
    - { name: client-authorities, mountPath: /etc/triptych/client-authorities, readOnly: true }
    {{- end }}
    {{- if $v.edge.apiKeys.secretName }}
    - { name: api-keys, mountPath: /etc/triptych/api-keys, readOnly: true }
    {{- end }}
{{- end -}}

{{- define "triptych.edgeFlags" -}}
{{- $edge := .Values.edge -}}
- edge
- {{ printf "--edge-address=%s" .Values.listenAddress | quote }}
- --edge-http-port=8080
- --edge-grpc-port=8081
- --edge-metrics-port=8082
- --max-body={{ int $edge.maxBodyMiB }}
- --max-concurrent={{ int $edge.maxConcurrent }}
- --max-connections={{ int $edge.maxConnections }}
- --edge-memory={{ int $edge.memoryMiB }}
- --request-timeout={{ int $edge.requestTimeoutSeconds }}
- --answer-timeout={{ int $edge.answerTimeoutSeconds }}
- --connection-age={{ int .Values.drain.maxConnectionAgeSeconds }}
- --drain-timeout={{ int .Values.drain.requestSeconds }}
{{- if $edge.tls.secretName }}
- --tls-cert=/etc/triptych/tls/tls.crt
- --tls-key=/etc/triptych/tls/tls.key
{{- end }}
{{- if $edge.tls.clientAuthorities }}
- --client-ca=/etc/triptych/client-authorities/ca.crt
{{- end }}
{{- if $edge.apiKeys.secretName }}
- --api-keys=/etc/triptych/api-keys/keys
{{- end }}
{{- with .Values.tracing.otlpEndpoint }}
- --otlp-endpoint={{ . }}
{{- end }}
{{- end -}}
