"""Pages and their charts: self-contained HTML, drawn when the page is built."""
