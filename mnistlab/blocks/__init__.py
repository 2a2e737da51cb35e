"""The building blocks of networks and training, a folder for each family."""
