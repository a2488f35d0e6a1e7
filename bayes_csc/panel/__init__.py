"""The panel: validated, labelled data of one analysis, its calendar, places, indicators and vintages."""
