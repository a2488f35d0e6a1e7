"""Sentences by rules: vocabulary, the next inspection, the method."""
