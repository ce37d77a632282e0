"""What a browser asks of intake, the desk, the queue and the mappings: translated into one call."""
