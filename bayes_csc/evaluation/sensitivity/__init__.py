"""What would change the answer: one analysis under many reasonable choices."""
