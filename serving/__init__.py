"""What runs in the cloud, on the edge and between them: the embedded server, the client and the relay."""
