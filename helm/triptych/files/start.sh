# What the server's container runs; its arguments are tritonserver's.
# The volume outlives the container: a server that was killed left its regions there.
rm -rf /dev/shm/*
# What no client of a serving process needs is closed by a header that nobody knows.
closed="model-repository,shared-memory,trace,logging:triptych-closed=$(cat /proc/sys/kernel/random/uuid)"
exec tritonserver "--http-restricted-api=$closed" "--grpc-restricted-protocol=$closed" "$@"
