"""One inference at one server: gRPC and HTTP, by threads and by an event loop; TLS, tokens, headers, foreign errors."""
