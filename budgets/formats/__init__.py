"""Budget files, read into stated rows or a list of faults. Pure."""
