"""The commands: each module of this folder is one."""
