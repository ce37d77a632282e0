"""What the work costs, each figure beside its yardstick of the same run (bench/README.md)."""
