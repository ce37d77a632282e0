"""What the pages show: plain values out of selectors."""
