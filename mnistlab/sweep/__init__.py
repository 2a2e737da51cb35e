"""Many runs: which trials there are, who runs them, what is done, which is best."""
