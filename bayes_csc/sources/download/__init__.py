"""Official files: catalogue of releases, download, receipts."""
