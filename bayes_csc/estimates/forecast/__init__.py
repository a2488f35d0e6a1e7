"""The next inspection: its date, theta there, grades by closed form or quadrature."""
