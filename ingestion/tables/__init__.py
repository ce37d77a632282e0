"""The tables beside the imports' own; ingestion/models.py gathers them for Django."""
