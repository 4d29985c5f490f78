"""Results that were made elsewhere, read row by row."""
