"""What a panel holds and lacks, as labelled tables; one authority's part of it."""
