"""From fields to a clean line or its violations. Pure: no Django."""
