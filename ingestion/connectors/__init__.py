"""Vendors' APIs: what is asked for, and what an answer means. Rows go the way of files."""
