"""What a source's columns mean: mappings, rules, words. Pure: no Django."""
