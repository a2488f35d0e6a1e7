"""Other formats: workbook, Markdown, plain text, PDF."""
