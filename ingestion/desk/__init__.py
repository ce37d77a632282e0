"""The quarantine desk: held rows fixed, settled, asked about and rejected."""
