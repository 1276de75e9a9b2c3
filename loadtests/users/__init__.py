"""Who asks: over gRPC, HTTP or REST, always through the SDK; in an event loop, or as users of Locust."""
