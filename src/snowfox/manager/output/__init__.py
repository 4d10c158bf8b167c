"""What services print: read, kept in rotated files, read back."""
