"""`triptych classify` over folders: which files, their rows, and a file of rows that no kill damages."""
