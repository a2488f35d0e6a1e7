"""Official releases, one module per family; each returns rows of a panel."""
