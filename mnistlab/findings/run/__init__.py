"""Every finding of a run: each module of this folder is one."""
