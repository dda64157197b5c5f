"""What the cloud's server, the gateway, the relay and the demo say alike: HTTP, its limits and its errors."""
