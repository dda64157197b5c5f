"""The embedded server: REST and gRPC over models that are loaded, batched and replaced while it runs."""
