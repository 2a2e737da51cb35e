"""L1 and L2 penalties, and the three modes in which they act."""
