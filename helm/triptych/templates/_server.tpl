{{/* Triton, on loopback but for its metrics. It starts before the edge and ends after it: see _drain.tpl. */}}

{{- define "triptych.triton" -}}
{{- $v := .Values -}}
- name: server
  {{- include "triptych.server" . | nindent 2 }}
  restartPolicy: Always
  command: [/bin/sh, -euc, {{ .Files.Get "files/start.sh" | toJson }}, start]
  args:
    {{- include "triptych.tritonFlags" . | nindent 4 }}
  env:
    - { name: HOME, value: /tmp }
    # Decoded images come and go by the hundred kilobytes: memory is kept for the next. See mallopt(3).
    - { name: MALLOC_MMAP_THRESHOLD_, value: "33554432" }
    - { name: MALLOC_TRIM_THRESHOLD_, value: "67108864" }
    {{- with $v.server.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - { name: metrics, containerPort: 8002 }
  {{- include "triptych.probes" . | nindent 2 }}
  resources:
    {{- include "triptych.serverResources" . | nindent 4 }}
  securityContext:
    {{- include "triptych.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - { name: release, mountPath: /release, readOnly: true }
    - { name: shared-memory, mountPath: /dev/shm }
    - { name: temporary, mountPath: /tmp, subPath: server }
    {{- if eq $v.accelerator "gpu" }}
    - { name: engines, mountPath: /var/cache/triptych/tensorrt }
    {{- end }}
    {{- with $v.server.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* As ops/triptych_ops/runtime/command.py has them. */}}
{{- define "triptych.tritonFlags" -}}
{{- $drain := .Values.drain -}}
- --model-repository=/release/repository
- --http-address=127.0.0.1
- --http-port=8000
- --grpc-address=127.0.0.1
- --grpc-port=8001
- {{ printf "--metrics-address=%s" .Values.listenAddress | quote }}
- --metrics-port=8002
- --model-control-mode=none
- --disable-auto-complete-config
- --exit-on-error=true
- --strict-readiness=true
- --allow-sagemaker=false
- --allow-vertex-ai=false
- --exit-timeout-secs={{ int $drain.exitSeconds }}
- --grpc-max-connection-age={{ mul (int $drain.maxConnectionAgeSeconds) 1000 }}
- --grpc-max-connection-age-grace={{ mul (int $drain.requestSeconds) 1000 }}
{{- with .Values.tracing.otlpEndpoint }}
- --trace-config=mode=opentelemetry
- --trace-config=level=TIMESTAMPS
- --trace-config=rate=2147483647
- --trace-config=opentelemetry,url={{ include "triptych.collectorUrl" $ }}/v1/traces
{{- end }}
{{- if eq .Values.accelerator "gpu" }}
- --model-config-name=gpu
{{- end }}
{{- with .Values.server.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "triptych.serverResources" -}}
{{- $resources := deepCopy .Values.server.resources -}}
{{- if eq .Values.accelerator "gpu" -}}
{{- $name := include "triptych.gpuResource" . -}}
{{- $gpu := dict $name (int .Values.gpu.count) -}}
{{- $resources = merge $resources (dict "requests" (dict) "limits" (dict)) -}}
{{- $resources = dict "requests" (merge $resources.requests $gpu) "limits" (merge $resources.limits $gpu) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* The names that NVIDIA's device plugin gives: of a GPU, of a slice under the mixed strategy, of a share that is renamed. */}}
{{- define "triptych.gpuResource" -}}
{{- $names := dict "whole" "nvidia.com/gpu" "mig" (printf "nvidia.com/mig-%s" .Values.gpu.migProfile) "timeSlicing" "nvidia.com/gpu.shared" -}}
{{- index $names .Values.gpu.mode -}}
{{- end -}}
