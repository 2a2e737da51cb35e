"""A report reproduced: its experiments run, and what they give beside what it stated."""
