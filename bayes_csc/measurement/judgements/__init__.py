"""What is judged, by which scale, after which grade and when."""
