"""What networks and their training are made of: a folder for each family of blocks."""
