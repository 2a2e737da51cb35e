"""Many runs from one configuration: which trials there are, who runs them, which is best."""
