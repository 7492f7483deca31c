"""Programs that others have published, against the sandbox: each in an environment of its own."""
