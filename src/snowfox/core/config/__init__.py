"""Configuration as text, with positions: read a source, parse it, check it field by field, collect every problem."""
