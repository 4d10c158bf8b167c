"""Where a configuration comes from: a file, a folder, a git repository."""
