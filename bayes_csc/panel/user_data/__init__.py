"""Users' own indicators: tables as text, their description, and a panel with them beside its own."""
