"""What a person sees in the terminal while something runs, and how a line is printed."""
